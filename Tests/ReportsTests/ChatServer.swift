import Foundation
import Glibc
import Synchronization

/// A chat server of a few lines for tests: one thread a connection, answers from a script.
final class ChatServer: Sendable {
    enum Answer: Sendable {
        case reply(Int, String, headers: [String: String] = [:])
        /// Reads the request and never answers.
        case silence
        /// A body without end.
        case endless
        /// Closes the connection without a word.
        case hangUp
    }

    private struct State {
        var bodies: [Data] = []
        var headers: [String] = []
        var underWay = 0
        var mostUnderWay = 0
        var connections: [Int32] = []
        var isClosed = false
    }

    let port: UInt16
    private let listener: Int32
    private let state = Mutex(State())

    /// - Parameter answer: the answer to the request of that number, from 0, with that body.
    init(_ answer: @escaping @Sendable (Int, Data) -> Answer) throws {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let bound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                bind(listener, generic, length) == 0 && listen(listener, 32) == 0 && getsockname(listener, generic, &length) == 0
            }
        }
        guard listener >= 0, bound else { throw CocoaError(.fileReadUnknown) }
        self.listener = listener
        port = UInt16(bigEndian: address.sin_port)
        Thread.detachNewThread { [self] in
            while true {
                let connection = accept(listener, nil, nil)
                if connection < 0 { return }
                state.withLock { $0.connections.append(connection) }
                Thread.detachNewThread { self.serve(connection, answer) }
            }
        }
    }

    var base: String { "http://127.0.0.1:\(port)" }
    var bodies: [Data] { state.withLock { $0.bodies } }
    var headers: [String] { state.withLock { $0.headers } }
    var mostUnderWay: Int { state.withLock { $0.mostUnderWay } }

    func close() {
        let open = state.withLock { state in
            state.isClosed = true
            return state.connections
        }
        shutdown(listener, Int32(SHUT_RDWR))
        Glibc.close(listener)
        for connection in open { shutdown(connection, Int32(SHUT_RDWR)) }
    }

    private func serve(_ connection: Int32, _ answer: @Sendable (Int, Data) -> Answer) {
        defer { Glibc.close(connection) }
        while let (head, body) = readRequest(connection) {
            let number = state.withLock { state in
                state.bodies.append(body)
                state.headers.append(head)
                state.underWay += 1
                state.mostUnderWay = max(state.mostUnderWay, state.underWay)
                return state.bodies.count - 1
            }
            let reply = answer(number, body)
            state.withLock { $0.underWay -= 1 }
            switch reply {
            case .reply(let status, let text, let headers):
                let extra = headers.map { "\($0.key): \($0.value)\r\n" }.joined()
                let head = "HTTP/1.1 \(status) X\r\nContent-Type: application/json\r\nContent-Length: \(text.utf8.count)\r\n\(extra)\r\n"
                guard write(head + text, to: connection) else { return }
            case .silence:
                var byte: UInt8 = 0
                _ = recv(connection, &byte, 1, 0)
                return
            case .endless:
                guard write("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n", to: connection) else { return }
                let filler = String(repeating: " ", count: 65536)
                while write(filler, to: connection) {}
                return
            case .hangUp:
                return
            }
        }
    }

    private func readRequest(_ connection: Int32) -> (head: String, body: Data)? {
        var data = Data()
        let separator = Data("\r\n\r\n".utf8)
        while true {
            if let end = data.range(of: separator) {
                let head = String(decoding: data[..<end.lowerBound], as: UTF8.self)
                let length =
                    head.split(separator: "\r\n").first { $0.lowercased().hasPrefix("content-length:") }
                    .flatMap { Int($0.dropFirst(15).trimmingCharacters(in: .whitespaces)) } ?? 0
                if data.count - end.upperBound >= length {
                    return (head, Data(data[end.upperBound..<end.upperBound + length]))
                }
            }
            var buffer = [UInt8](repeating: 0, count: 65536)
            let count = recv(connection, &buffer, buffer.count, 0)
            guard count > 0 else { return nil }
            data.append(contentsOf: buffer[..<count])
        }
    }

    private func write(_ text: String, to connection: Int32) -> Bool {
        let bytes = Array(text.utf8)
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes { send(connection, $0.baseAddress! + sent, bytes.count - sent, Int32(MSG_NOSIGNAL)) }
            if count <= 0 { return false }
            sent += count
        }
        return true
    }

    /// A chat completion whose message is `content`.
    static func completion(_ content: String) -> String {
        let object: [String: Any] = ["choices": [["message": ["role": "assistant", "content": content], "finish_reason": "stop"]]]
        let data = (try? JSONSerialization.data(withJSONObject: object)) ?? Data()
        return String(decoding: data, as: UTF8.self)
    }

    static let yes = completion(
        #"{"polyp":"yes","count":1,"sites":["sigmoid"],"max_size_mm":6,"morphology":["sessile"],"confidence":0.9,"quote":"6 mm sessile polyp in the sigmoid"}"#
    )
}
