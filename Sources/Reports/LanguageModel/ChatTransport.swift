import Foundation
import Synchronization

/// Sends one request and returns the reply, bounded in time and size; each on a connection and a thread of its own.
///
/// Not URLSession: on Linux it goes on watching a socket for room to write once the request was sent, and spends a
/// processor on that for as long as the model thinks. Neither redirects nor proxies are followed: reports go to the host
/// that was allowed and nowhere else.
package final class ChatTransport: Sendable {
    /// What came back.
    package struct Reply: Sendable {
        package var status: Int
        package var body: Data
        /// Seconds to wait, as the server asks (`Retry-After`).
        package var retryAfter: Double?
    }

    private let largestReply: Int
    private let underWay = Mutex<[ObjectIdentifier: Interruption]>([:])

    /// - Parameter largestReply: bytes of the largest body that is read.
    package init(largestReply: Int) { self.largestReply = largestReply }

    /// Posts `body` to `url`.
    ///
    /// - Parameter timeout: seconds until the reply must be whole.
    /// - Throws: `timedOut`, `transport`, `answerTooLarge`; `CancellationError` when the task was cancelled.
    package func post(_ body: Data, to url: URL, headers: [String: String], timeout: Double) async throws -> Reply {
        let interruption = try Interruption()
        underWay.withLock { $0[ObjectIdentifier(interruption)] = interruption }
        defer { _ = underWay.withLock { $0.removeValue(forKey: ObjectIdentifier(interruption)) } }
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                Thread.detachNewThread { [largestReply] in
                    continuation.resume(
                        with: Result {
                            let exchange = try Exchange(url, body, headers, largestReply)
                            return try exchange.reply(before: .now + .seconds(timeout), interruption)
                        })
                }
            }
        } onCancel: {
            interruption.interrupt()
        }
    }

    /// Ends what is under way.
    package func close() { underWay.withLock { for interruption in $0.values { interruption.interrupt() } } }
}

/// One request, and the reading of its reply.
private struct Exchange {
    private let host: String
    private let port: Int
    private let isEncrypted: Bool
    private let request: [UInt8]
    private let largestReply: Int

    init(_ url: URL, _ body: Data, _ headers: [String: String], _ largestReply: Int) throws {
        guard let parts = URLComponents(url: url, resolvingAgainstBaseURL: false), let host = parts.host else {
            throw ReportsError(.endpointInvalid, "the endpoint has no host")
        }
        isEncrypted = parts.scheme?.lowercased() == "https"
        port = parts.port ?? (isEncrypted ? 443 : 80)
        // The address of version 6 stands in brackets in an URL, and without them elsewhere.
        self.host = host.hasPrefix("[") && host.hasSuffix("]") ? String(host.dropFirst().dropLast()) : host
        let named = (self.host.contains(":") ? "[\(self.host)]" : self.host) + (parts.port.map { ":\($0)" } ?? "")
        var head = "POST \(parts.percentEncodedPath) HTTP/1.1\r\nHost: \(named)\r\n"
        for (name, value) in headers.sorted(by: { $0.key < $1.key }) { head += "\(name): \(value)\r\n" }
        head += "Accept: application/json\r\nConnection: close\r\nContent-Length: \(body.count)\r\n\r\n"
        request = Array(head.utf8) + Array(body)
        self.largestReply = largestReply
    }

    func reply(before deadline: ContinuousClock.Instant, _ interruption: Interruption) throws -> ChatTransport.Reply {
        let connection = try Connection(host: host, port: port, deadline: deadline, interruption: interruption)
        var reader = ReplyReader(largestBody: largestReply)
        do {
            if isEncrypted {
                try ask(over: connection, TLSSession(host: host), &reader)
            } else {
                try ask(over: connection, &reader)
            }
        } catch let flaw as ReplyReader.Flaw {
            switch flaw {
            case .tooLarge: throw ReportsError(.answerTooLarge, "the model's reply is larger than \(largestReply) bytes")
            case .malformed: throw ReportsError(.transport, "the model's server broke off or speaks no HTTP/1.1")
            }
        }
        return ChatTransport.Reply(status: reader.status, body: reader.body, retryAfter: reader.retryAfter)
    }

    private func ask(over connection: Connection, _ reader: inout ReplyReader) throws {
        // Who takes no more has perhaps answered: too large, not allowed.
        _ = try connection.send(request)
        while !reader.isWhole {
            let bytes = try connection.receive()
            if bytes.isEmpty { try reader.end() } else { try reader.take(bytes) }
        }
    }

    private func ask(over connection: Connection, _ session: TLSSession, _ reader: inout ReplyReader) throws {
        while try !session.shakesHands() {
            _ = try connection.send(session.bytesToSend())
            let bytes = try connection.receive()
            guard !bytes.isEmpty else { throw ReportsError(.transport, "the model's server speaks no TLS that can be used") }
            session.take(bytes)
        }
        try session.write(request)
        _ = try connection.send(session.bytesToSend())
        while !reader.isWhole {
            let said = try session.read()
            try reader.take(said.bytes)
            if reader.isWhole { return }
            let bytes = said.isEnded ? [] : try connection.receive()
            if bytes.isEmpty { try reader.end() } else { session.take(bytes) }
        }
    }
}
