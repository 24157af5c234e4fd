import CZeroMQ
import Foundation

/// Tells what happens to a socket's connections: for logs and counters, never for decisions about leases.
public final class SocketMonitor {
    public enum Event: Sendable, Equatable {
        case connected(String)
        case accepted(String)
        case disconnected(String)
        case handshakeSucceeded(String)
        /// The peer was refused or spoke another protocol; the text says why.
        case handshakeFailed(String, reason: String)
        case other(UInt16, String)
    }

    package let socket: Socket
    private let observed: Socket

    /// Must be made on the observed socket's thread.
    public init(observing observed: Socket, in context: Context, name: String) throws(ZeroMQError) {
        self.observed = observed
        let address = "inproc://monitor.\(name)"
        let events =
            ZMQ_EVENT_CONNECTED | ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_HANDSHAKE_SUCCEEDED
            | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL
            | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH
        try check(zmq_socket_monitor(observed.pointer, address, Int32(events)), "zmq_socket_monitor")
        socket = try Socket(.pair, in: context)
        try socket.connect(.inproc("monitor.\(name)"))
    }

    deinit { zmq_socket_monitor(observed.pointer, nil, 0) }

    /// The next event, or nil when there is none.
    public func next() throws(ZeroMQError) -> Event? {
        guard let frames = try socket.receive(), frames.count == 2, frames[0].count == 6 else { return nil }
        let (event, value) = frames[0].withUnsafeBytes {
            ($0.loadUnaligned(as: UInt16.self), $0.loadUnaligned(fromByteOffset: 2, as: UInt32.self))
        }
        let address = String(decoding: frames[1].data, as: UTF8.self)
        switch Int32(event) {
        case ZMQ_EVENT_CONNECTED: return .connected(address)
        case ZMQ_EVENT_ACCEPTED: return .accepted(address)
        case ZMQ_EVENT_DISCONNECTED: return .disconnected(address)
        case ZMQ_EVENT_HANDSHAKE_SUCCEEDED: return .handshakeSucceeded(address)
        case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH:
            return .handshakeFailed(address, reason: "the key was refused (status \(value))")
        case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL:
            return .handshakeFailed(address, reason: "it does not speak this protocol (code \(value))")
        case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL:
            return .handshakeFailed(address, reason: "it broke off (errno \(value))")
        default: return .other(event, address)
        }
    }
}
