import CZeroMQ
import Foundation

/// How a socket behaves. The defaults bound everything that libzmq leaves unbounded.
public struct SocketOptions: Sendable {
    /// Chosen by the connecting side; new at every start of a process, so that a stale reply reaches nobody.
    public var routingID: Data?
    /// Messages (not bytes) waiting to be sent to one peer.
    public var sendHighWaterMark = 64
    /// Messages waiting to be read from one peer.
    public var receiveHighWaterMark = 64
    /// A peer that sends a larger frame is disconnected.
    public var maximumFrameSizeInBytes = 16 << 20
    /// How long unsent messages hold up closing.
    public var linger = Duration.milliseconds(500)
    /// ZMTP pings: they find dead connections, not stuck programs.
    public var pingInterval = Duration.seconds(5)
    public var pingTimeout = Duration.seconds(15)
    public var handshakeTimeout = Duration.seconds(10)
    public var firstReconnectInterval = Duration.milliseconds(200)
    public var longestReconnectInterval = Duration.seconds(30)
    /// Queue nothing for a peer that is not connected.
    public var queuesOnlyToConnected = true
    public var security = SocketSecurity.none

    public init() {}
}

/// Who may talk, and whether others can read it.
public enum SocketSecurity: Sendable {
    case none
    /// CURVE as the listening side. `domain` is what the ZAP allow-list is asked with.
    case server(keys: CurveKeyPair, domain: String)
    /// CURVE as the connecting side, which knows the server's public key.
    case client(keys: CurveKeyPair, serverKey: CurvePublicKey)
}

extension Socket {
    // Every option is set before bind and connect: libzmq ignores some of them afterwards.
    func apply(_ options: SocketOptions, kind: Kind) throws(ZeroMQError) {
        try set(ZMQ_LINGER, options.linger)
        guard kind != .pair, kind != .reply else { return }
        try set(ZMQ_SNDHWM, Int32(clamping: options.sendHighWaterMark))
        try set(ZMQ_RCVHWM, Int32(clamping: options.receiveHighWaterMark))
        try set(ZMQ_MAXMSGSIZE, Int64(options.maximumFrameSizeInBytes))
        try set(ZMQ_HEARTBEAT_IVL, options.pingInterval)
        try set(ZMQ_HEARTBEAT_TIMEOUT, options.pingTimeout)
        try set(ZMQ_HEARTBEAT_TTL, options.pingTimeout)
        try set(ZMQ_HANDSHAKE_IVL, options.handshakeTimeout)
        try set(ZMQ_RECONNECT_IVL, options.firstReconnectInterval)
        try set(ZMQ_RECONNECT_IVL_MAX, options.longestReconnectInterval)
        try set(ZMQ_IMMEDIATE, Int32(options.queuesOnlyToConnected ? 1 : 0))
        try set(ZMQ_IPV6, Int32(1))
        if let id = options.routingID { try set(ZMQ_ROUTING_ID, id) }
        // Without it, messages to peers that are gone vanish without a word.
        if kind == .router { try set(ZMQ_ROUTER_MANDATORY, Int32(1)) }
        switch options.security {
        case .none: break
        case .server(let keys, let domain):
            try set(ZMQ_CURVE_SERVER, Int32(1))
            try keys.withSecretKey { secret throws(ZeroMQError) in try set(ZMQ_CURVE_SECRETKEY, Data(secret)) }
            try set(ZMQ_ZAP_DOMAIN, Data(domain.utf8))
            // A missing allow-list is then an error instead of "everybody".
            try set(ENDOKED_ZMQ_ZAP_ENFORCE_DOMAIN, Int32(1))
        case .client(let keys, let serverKey):
            try set(ZMQ_CURVE_SERVERKEY, Data(serverKey.bytes))
            try set(ZMQ_CURVE_PUBLICKEY, Data(keys.publicKey.bytes))
            try keys.withSecretKey { secret throws(ZeroMQError) in try set(ZMQ_CURVE_SECRETKEY, Data(secret)) }
        }
    }

    private func set(_ option: Int32, _ duration: Duration) throws(ZeroMQError) {
        let (seconds, attoseconds) = duration.components
        try set(option, Int32(clamping: seconds * 1000 + attoseconds / 1_000_000_000_000_000))
    }

    private func set(_ option: Int32, _ value: Int32) throws(ZeroMQError) {
        var value = value
        try check(zmq_setsockopt(pointer, option, &value, MemoryLayout<Int32>.size), "zmq_setsockopt", "\(option)")
    }

    private func set(_ option: Int32, _ value: Int64) throws(ZeroMQError) {
        var value = value
        try check(zmq_setsockopt(pointer, option, &value, MemoryLayout<Int64>.size), "zmq_setsockopt", "\(option)")
    }

    private func set(_ option: Int32, _ value: Data) throws(ZeroMQError) {
        let result = value.withUnsafeBytes { zmq_setsockopt(pointer, option, $0.baseAddress, $0.count) }
        try check(result, "zmq_setsockopt", "\(option)")
    }
}
