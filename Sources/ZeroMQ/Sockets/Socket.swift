import CZeroMQ
import Foundation

/// A socket. It belongs to the thread that made it: not `Sendable`, never locked.
public final class Socket {
    public struct Kind: Hashable, Sendable {
        let type: Int32

        /// Talks to many peers, each addressed by its routing id (the first frame).
        public static let router = Kind(type: ZMQ_ROUTER)
        /// Talks to one coordinator, without lock-step.
        public static let dealer = Kind(type: ZMQ_DEALER)
        /// One to one, within the process.
        package static let pair = Kind(type: ZMQ_PAIR)
        /// Answers requests in order; ZAP asks for it.
        package static let reply = Kind(type: ZMQ_REP)
    }

    /// What became of a message that was to be sent.
    public enum SendOutcome: Sendable, Equatable {
        case sent
        /// The peer's queue is full: try later, or drop it knowingly.
        case wouldBlock
        /// No peer has this routing id (any more).
        case unroutable
    }

    let pointer: UnsafeMutableRawPointer
    // Keeps the context until this socket is closed.
    private let context: Context

    /// The context must outlive its sockets; holding it here makes that so.
    public init(_ kind: Kind, in context: Context, options: SocketOptions = SocketOptions()) throws(ZeroMQError) {
        self.context = context
        pointer = try context.makeSocket(kind.type)
        try apply(options, kind: kind)
    }

    deinit { zmq_close(pointer) }

    /// Listens, and returns the endpoint with the address and the port that were taken.
    @discardableResult
    public func bind(_ endpoint: Endpoint) throws(ZeroMQError) -> Endpoint {
        let endpoint = try endpoint.forListening()
        try check(zmq_bind(pointer, endpoint.description), "listen at", endpoint.description)
        guard case .tcp(let host, nil) = endpoint.transport else { return endpoint }
        // libzmq names the address its own way (127.0.0.1 as [::ffff:127.0.0.1]): only the port is news.
        let bound = try lastEndpoint()
        return try Endpoint("tcp://\(host):\(bound[bound.index(after: bound.lastIndex(of: ":") ?? bound.startIndex)...])")
    }

    /// Connects, now and again whenever the connection is lost. Returns before there is a connection.
    public func connect(_ endpoint: Endpoint) throws(ZeroMQError) {
        try check(zmq_connect(pointer, endpoint.description), "connect to", endpoint.description)
    }

    public func disconnect(_ endpoint: Endpoint) throws(ZeroMQError) {
        try check(zmq_disconnect(pointer, endpoint.description), "disconnect from", endpoint.description)
    }

    public func unbind(_ endpoint: Endpoint) throws(ZeroMQError) {
        try check(zmq_unbind(pointer, endpoint.description), "stop listening at", endpoint.description)
    }

    /// Sends a message of one or more frames, or none of it. Never waits.
    ///
    /// The frames are used up: libzmq owns their bytes afterwards.
    public func send(_ frames: [Message]) throws(ZeroMQError) -> SendOutcome {
        for (index, frame) in frames.enumerated() {
            let more = index + 1 < frames.count ? ZMQ_SNDMORE : 0
            // Only the first frame may be refused; the rest of an accepted message is always taken.
            var flags = more | (index == 0 ? ZMQ_DONTWAIT : 0)
            while zmq_msg_send(frame.pointer, pointer, flags) == -1 {
                switch zmq_errno() {
                case EINTR: continue
                case EAGAIN where index == 0: return .wouldBlock
                case EAGAIN: flags = more
                case EHOSTUNREACH: return .unroutable
                default: throw ZeroMQError.last("zmq_msg_send")
                }
            }
        }
        return .sent
    }

    /// The next whole message, or nil when none is there. Never waits.
    /// - Parameter maximumFrames: frames beyond this many are read and dropped; the caller sees the count limited.
    public func receive(maximumFrames: Int = 64) throws(ZeroMQError) -> [Message]? {
        var frames: [Message] = []
        while true {
            let frame = Message()
            if zmq_msg_recv(frame.pointer, pointer, ZMQ_DONTWAIT) == -1 {
                switch zmq_errno() {
                case EINTR: continue
                // Between the frames of one message there is no waiting: libzmq hands them over together.
                case EAGAIN: return frames.isEmpty ? nil : frames
                default: throw ZeroMQError.last("zmq_msg_recv")
                }
            }
            let more = frame.hasMore
            if frames.count < maximumFrames { frames.append(frame) }
            if !more { return frames }
        }
    }

    private func lastEndpoint() throws(ZeroMQError) -> String {
        var buffer = [CChar](repeating: 0, count: 512)
        var length = buffer.count
        try check(zmq_getsockopt(pointer, ZMQ_LAST_ENDPOINT, &buffer, &length), "zmq_getsockopt", "LAST_ENDPOINT")
        return String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}
