import Foundation
import Glibc

/// Wakes a thread that waits in a `Connection`.
final class Interruption: Sendable {
    /// Two ends: to read, which becomes possible with the interruption, and to write.
    fileprivate let signal: Int32
    private let trigger: Int32

    /// - Throws: `transport` when the process may open no more files.
    init() throws {
        var ends: [Int32] = [-1, -1]
        let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        guard socketpair(AF_UNIX, kind, 0, &ends) == 0 else {
            throw ReportsError(.transport, "too many open files to ask the model")
        }
        (signal, trigger) = (ends[0], ends[1])
    }

    deinit {
        Glibc.close(signal)
        Glibc.close(trigger)
    }

    func interrupt() { _ = send(trigger, "!", 1, Int32(MSG_NOSIGNAL)) }
}

/// A TCP connection on a thread that may wait: every wait ends at the deadline, or when it is interrupted.
final class Connection {
    private let socket: Int32
    private let deadline: ContinuousClock.Instant
    private let interruption: Interruption

    /// Connects to the first address of `host` that answers.
    ///
    /// - Throws: `transport`, `timedOut`, `CancellationError`.
    init(host: String, port: Int, deadline: ContinuousClock.Instant, interruption: Interruption) throws {
        self.deadline = deadline
        self.interruption = interruption
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var first: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, String(port), &hints, &first) == 0 else {
            throw ReportsError(.transport, "the name of the model's host is not known")
        }
        defer { freeaddrinfo(first) }
        var next = first
        while let address = next?.pointee {
            next = address.ai_next
            let kind = address.ai_socktype | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
            let socket = Glibc.socket(address.ai_family, kind, address.ai_protocol)
            guard socket >= 0 else { continue }
            do {
                if try Self.connects(socket, address, deadline, interruption) {
                    self.socket = socket
                    return
                }
            } catch {
                Glibc.close(socket)
                throw error
            }
            Glibc.close(socket)
        }
        throw ReportsError(.transport, "no model listens at the endpoint: is it started?")
    }

    deinit { Glibc.close(socket) }

    private static func connects(
        _ socket: Int32, _ address: addrinfo, _ deadline: ContinuousClock.Instant, _ interruption: Interruption
    ) throws -> Bool {
        if connect(socket, address.ai_addr, address.ai_addrlen) == 0 { return true }
        guard errno == EINPROGRESS else { return false }
        try wait(socket, for: POLLOUT, deadline, interruption)
        var failure: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        return getsockopt(socket, SOL_SOCKET, SO_ERROR, &failure, &length) == 0 && failure == 0
    }

    /// Sends all of `bytes`; false when the other side takes no more, which may have answered already.
    func send(_ bytes: [UInt8]) throws -> Bool {
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes { Glibc.send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            if count >= 0 {
                sent += count
            } else if errno == EAGAIN {
                try Self.wait(socket, for: POLLOUT, deadline, interruption)
            } else if errno != EINTR {
                return false
            }
        }
        return true
    }

    /// What came; empty when the other side has ended.
    func receive() throws -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            // Also before reading: a reply without end would otherwise never let the deadline be seen.
            try Self.wait(socket, for: POLLIN, deadline, interruption)
            let count = recv(socket, &buffer, buffer.count, 0)
            if count >= 0 { return Array(buffer[..<count]) }
            guard errno == EAGAIN || errno == EINTR else {
                throw ReportsError(.transport, "the connection to the model broke")
            }
        }
    }

    private static func wait(
        _ socket: Int32, for event: Int32, _ deadline: ContinuousClock.Instant, _ interruption: Interruption
    ) throws {
        while true {
            let left = ContinuousClock.now.duration(to: deadline)
            guard left > .zero else { throw ReportsError(.timedOut, "the model did not answer in time") }
            var events = [
                pollfd(fd: socket, events: Int16(event), revents: 0),
                pollfd(fd: interruption.signal, events: Int16(POLLIN), revents: 0),
            ]
            // A wait of many days does not fit into milliseconds of 32 bits: it is cut into hours.
            let milliseconds = min(left / .milliseconds(1), 3_600_000).rounded(.up)
            let ready = poll(&events, nfds_t(events.count), Int32(milliseconds))
            if events[1].revents != 0 { throw CancellationError() }
            if ready > 0 { return }
            guard ready == 0 || errno == EINTR else {
                throw ReportsError(.transport, "the connection to the model broke")
            }
        }
    }
}
