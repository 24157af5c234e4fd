import Foundation

/// Puts an HTTP/1.1 reply together from the bytes that come. It knows no socket.
package struct ReplyReader {
    /// What makes a reply unusable.
    package enum Flaw: Error { case malformed, tooLarge }

    private enum Part {
        case head
        /// So many bytes are still to come.
        case body(Int)
        /// The end of the connection ends the body.
        case bodyToTheEnd
        case chunkSize
        /// So many bytes of a chunk, its line's end included.
        case chunk(Int)
        case trailer
        case whole
    }

    package private(set) var status = 0
    package private(set) var body = Data()
    private var headers: [String: String] = [:]
    private var part = Part.head
    /// Bytes that came and were not yet understood.
    private var waiting: [UInt8] = []
    private let largestBody: Int

    /// Bytes of the longest head, and of the longest line within chunks.
    private static let longestHead = 1 << 16

    package init(largestBody: Int) { self.largestBody = largestBody }

    /// Seconds to wait, as the server asks (`Retry-After`).
    package var retryAfter: Double? { headers["retry-after"].flatMap(Double.init) }

    package var isWhole: Bool { if case .whole = part { true } else { false } }

    /// Takes the bytes that came.
    ///
    /// - Throws: `tooLarge` as soon as the body is announced or found to be larger than allowed.
    package mutating func take(_ bytes: [UInt8]) throws(Flaw) {
        waiting += bytes
        var start = 0
        while try step(&start) {}
        waiting.removeFirst(start)
    }

    /// The connection ended.
    package mutating func end() throws(Flaw) {
        if case .bodyToTheEnd = part { part = .whole }
        guard isWhole else { throw .malformed }
    }

    /// Understands one part of what waits from `start` on; false when more must come first.
    private mutating func step(_ start: inout Int) throws(Flaw) -> Bool {
        switch part {
        case .head:
            guard let head = try line(&start, ending: [13, 10, 13, 10]) else { return false }
            try read(head: head)
        case .body(let left), .chunk(let left):
            let count = min(left, waiting.count - start)
            guard count > 0 else { return false }
            var text = count
            if case .chunk = part { text = max(0, min(count, left - 2)) }
            try append(waiting[start..<start + text])
            start += count
            if case .chunk = part {
                part = left == count ? .chunkSize : .chunk(left - count)
            } else {
                part = left == count ? .whole : .body(left - count)
            }
        case .bodyToTheEnd:
            guard start < waiting.count else { return false }
            try append(waiting[start...])
            start = waiting.count
        case .chunkSize:
            guard let line = try line(&start, ending: [13, 10]) else { return false }
            let digits = line.prefix { $0 != ";" }.trimmingCharacters(in: .whitespaces)
            guard let size = Int(digits, radix: 16), size >= 0 else { throw .malformed }
            guard size <= largestBody - body.count else { throw .tooLarge }
            part = size == 0 ? .trailer : .chunk(size + 2)
        case .trailer:
            guard let line = try line(&start, ending: [13, 10]) else { return false }
            if line.isEmpty { part = .whole }
        case .whole:
            return false
        }
        return true
    }

    private mutating func append(_ bytes: ArraySlice<UInt8>) throws(Flaw) {
        guard bytes.count <= largestBody - body.count else { throw .tooLarge }
        body.append(contentsOf: bytes)
    }

    /// What stands before `ending`; nil when it has not come yet.
    private func line(_ start: inout Int, ending: [UInt8]) throws(Flaw) -> String? {
        var place = start
        while place + ending.count <= waiting.count {
            if waiting[place..<place + ending.count].elementsEqual(ending) {
                let text = String(decoding: waiting[start..<place], as: UTF8.self)
                start = place + ending.count
                return text
            }
            place += 1
        }
        guard waiting.count - start <= Self.longestHead else { throw .malformed }
        return nil
    }

    private mutating func read(head: String) throws(Flaw) {
        // "\r\n" is one Character: splitting at newlines takes it as such.
        var lines = head.split(whereSeparator: \.isNewline)[...]
        let first = lines.popFirst()?.split(separator: " ") ?? []
        guard first.count >= 2, first[0].hasPrefix("HTTP/1."), let status = Int(first[1]), (100...999).contains(status) else {
            throw .malformed
        }
        // "Continue" and the like come before the reply.
        guard status >= 200 else { return }
        self.status = status
        for line in lines {
            let field = line.split(separator: ":", maxSplits: 1)
            guard field.count == 2 else { continue }
            headers[field[0].lowercased()] = field[1].trimmingCharacters(in: .whitespaces)
        }
        if headers["transfer-encoding"]?.lowercased().hasSuffix("chunked") == true {
            part = .chunkSize
        } else if let length = headers["content-length"] {
            guard let length = Int(length), length >= 0 else { throw .malformed }
            guard length <= largestBody else { throw .tooLarge }
            part = length == 0 ? .whole : .body(length)
        } else {
            part = status == 204 || status == 304 ? .whole : .bodyToTheEnd
        }
    }
}
