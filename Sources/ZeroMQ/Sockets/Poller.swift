import CZeroMQ
import Foundation

/// Waits for sockets and a wake-up at once.
public struct Poller {
    /// Which of the polled ones can be read.
    public struct Ready {
        /// Positions, in the order in which the sockets were given.
        public var sockets: [Bool]
        public var isWoken: Bool
    }

    private var items: [zmq_pollitem_t]
    private let sockets: [Socket]
    private let wakeUp: WakeUp

    public init(sockets: [Socket], wakeUp: WakeUp) {
        self.sockets = sockets
        self.wakeUp = wakeUp
        items = sockets.map { zmq_pollitem_t(socket: $0.pointer, fd: 0, events: Int16(ZMQ_POLLIN), revents: 0) }
        items.append(zmq_pollitem_t(socket: nil, fd: wakeUp.descriptor, events: Int16(ZMQ_POLLIN), revents: 0))
    }

    /// Waits until something can be read or the time is up (at least 0, at most one minute: no wait is for ever).
    public mutating func wait(atMost timeout: Duration) throws(ZeroMQError) -> Ready {
        let (seconds, attoseconds) = timeout.components
        let milliseconds = min(max(seconds * 1000 + attoseconds / 1_000_000_000_000_000, 0), 60_000)
        let result = zmq_poll(&items, Int32(items.count), Int(milliseconds))
        if result == -1 {
            // A signal came: the caller looks at its own state, as after a wake-up.
            guard zmq_errno() == EINTR else { throw ZeroMQError.last("zmq_poll") }
            return Ready(sockets: sockets.map { _ in false }, isWoken: true)
        }
        let flags = items.map { $0.revents & Int16(ZMQ_POLLIN) != 0 }
        let isWoken = flags.last ?? false
        if isWoken { wakeUp.clear() }
        return Ready(sockets: Array(flags.dropLast()), isWoken: isWoken)
    }
}

/// Wakes a thread that waits in `Poller`: the only thing other threads may do to a socket loop.
public final class WakeUp: Sendable {
    let descriptor: Int32

    public init() throws(ZeroMQError) {
        descriptor = eventfd(0, endoked_eventfd_flags())
        guard descriptor >= 0 else {
            throw ZeroMQError(.system, "eventfd: error \(errno)", errorNumber: errno)
        }
    }

    deinit { close(descriptor) }

    /// May be called from any thread, as often as one likes; many calls wake once.
    public func signal() {
        var one: UInt64 = 1
        // It can only fail when the counter is full, and then the loop is awake anyway.
        _ = write(descriptor, &one, MemoryLayout<UInt64>.size)
    }

    func clear() {
        var count: UInt64 = 0
        _ = read(descriptor, &count, MemoryLayout<UInt64>.size)
    }
}
