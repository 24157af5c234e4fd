import Foundation
import Wire

/// One content that is being fetched in pieces. Whoever fetches decides how many pieces are under way: that is the
/// credit of bulk transfers, in both directions. A value without I/O.
package struct ContentDownload {
    package enum Step: Equatable {
        /// An answer to nothing that was asked.
        case ignored
        /// A piece, to be kept at its offset; then ask for these.
        case piece(offset: UInt64, bytes: Data, ask: [ContentPiece])
        /// The last missing piece.
        case complete(offset: UInt64, bytes: Data)
        /// The other side does not have the content, or says contradictory things about it.
        case failed(String)
    }

    package let digest: Data
    /// Known from the start when a manifest said it, otherwise after the first piece.
    package private(set) var size: UInt64?
    private let window: Int
    private var nextOffset: UInt64 = 0
    private var received: UInt64 = 0
    private var waiting: [UInt64: Instant] = [:]

    package init(digest: Data, size: UInt64?, window: Int) {
        self.digest = digest
        self.size = size
        self.window = max(window, 1)
    }

    /// Pieces that were asked for and have not come.
    package var piecesUnderWay: Int { waiting.count }

    /// The first pieces to ask for.
    package mutating func start(now: Instant) -> [ContentPiece] { askMore(now) }

    package mutating func receive(_ content: ContentBytes, now: Instant) -> Step {
        guard content.digest == digest, waiting.removeValue(forKey: content.offset) != nil else { return .ignored }
        guard let bytes = content.bytes else { return .failed("the other side does not have it") }
        if let size, size != content.total { return .failed("its size changed from \(size) to \(content.total) bytes") }
        size = content.total
        let expected = min(UInt64(WireProtocol.pieceSizeInBytes), content.total - min(content.offset, content.total))
        guard UInt64(bytes.count) == expected else {
            return .failed("a piece of \(bytes.count) bytes came where \(expected) belong")
        }
        received += expected
        guard received < content.total else { return .complete(offset: content.offset, bytes: bytes) }
        return .piece(offset: content.offset, bytes: bytes, ask: askMore(now))
    }

    /// Pieces to ask for again because nothing came for `patience`; `.zero` after a new connection.
    package mutating func retry(now: Instant, patience: Duration) -> [ContentPiece] {
        waiting.filter { now - $0.value >= patience }.keys.sorted().map { offset in
            waiting[offset] = now
            return piece(at: offset)
        }
    }

    private mutating func askMore(_ now: Instant) -> [ContentPiece] {
        var pieces: [ContentPiece] = []
        // Before the size is known one piece must do.
        while waiting.count < (size == nil ? 1 : window), nextOffset == 0 || nextOffset < size ?? 0 {
            waiting[nextOffset] = now
            pieces.append(piece(at: nextOffset))
            nextOffset += UInt64(WireProtocol.pieceSizeInBytes)
        }
        return pieces
    }

    private func piece(at offset: UInt64) -> ContentPiece {
        ContentPiece(digest: digest, offset: offset, length: UInt32(WireProtocol.pieceSizeInBytes))
    }
}
