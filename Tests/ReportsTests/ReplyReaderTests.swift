import Foundation
import Testing

import Reports

@Suite struct ReplyReaderTests {
    /// The reply read from `text` in pieces of so many bytes.
    private func read(_ text: String, pieces: Int, largest: Int = 1000, ends: Bool = false) throws -> ReplyReader {
        var reader = ReplyReader(largestBody: largest)
        let bytes = Array(text.utf8)
        for start in stride(from: 0, to: bytes.count, by: pieces) {
            try reader.take(Array(bytes[start..<min(start + pieces, bytes.count)]))
        }
        if ends { try reader.end() }
        return reader
    }

    @Test(arguments: [1, 2, 3, 7, 1000]) func readsABodyOfKnownLengthInAnyPieces(_ pieces: Int) throws {
        let reply = try read("HTTP/1.1 200 OK\r\ncontent-LENGTH: 5\r\nRetry-After: 3\r\n\r\nhello", pieces: pieces)
        #expect(reply.isWhole && reply.status == 200 && reply.body == Data("hello".utf8) && reply.retryAfter == 3)
    }

    @Test(arguments: [1, 2, 3, 7, 1000]) func readsChunksInAnyPieces(_ pieces: Int) throws {
        let head = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        let reply = try read(head + "3\r\nhel\r\n2;x=1\r\nlo\r\n0\r\nTrailer: 1\r\n\r\n", pieces: pieces)
        #expect(reply.isWhole && reply.body == Data("hello".utf8))
    }

    @Test(arguments: [1, 1000]) func theEndOfTheConnectionEndsABodyWithoutLength(_ pieces: Int) throws {
        let text = "HTTP/1.0 404 Not Found\r\n\r\nhello"
        #expect(try !read(text, pieces: pieces).isWhole)
        let reply = try read(text, pieces: pieces, ends: true)
        #expect(reply.isWhole && reply.status == 404 && reply.body == Data("hello".utf8))
    }

    @Test(arguments: [
        "HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3E9\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7fffffffffffffff\r\n",
        "HTTP/1.1 200 OK\r\n\r\n" + String(repeating: " ", count: 1001),
    ])
    func refusesABodyThatIsTooLarge(_ text: String) { #expect(throws: ReplyReader.Flaw.tooLarge) { try read(text, pieces: 5) } }

    @Test(arguments: [
        "SSH-2.0-x\r\n\r\n\r\n", "HTTP/1.1 abc OK\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: -4\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n", "",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n",
        "HTTP/1.1 200 OK\r\nX: " + String(repeating: "y", count: 70_000),
    ])
    func refusesWhatIsNoReply(_ text: String) {
        #expect(throws: ReplyReader.Flaw.malformed) { try read(text, pieces: 11, ends: true) }
    }
}
