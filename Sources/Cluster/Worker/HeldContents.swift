import Foundation
import Wire

/// The contents of results that are not acknowledged yet, from which the coordinator fetches. A value without I/O.
package struct HeldContents {
    private var byLease: [ShardLease: [Data]] = [:]
    private var contents: [Data: (bytes: Data, holders: Int)] = [:]

    package init() {}

    package var count: Int { contents.count }

    /// Keeps `new` (by digest) until the lease is forgotten.
    package mutating func hold(_ new: [Data: Data], for lease: ShardLease) {
        guard !new.isEmpty, byLease[lease] == nil else { return }
        byLease[lease] = Array(new.keys)
        for (digest, bytes) in new { contents[digest] = (bytes, (contents[digest]?.holders ?? 0) + 1) }
    }

    package mutating func forget(_ lease: ShardLease) {
        for digest in byLease.removeValue(forKey: lease) ?? [] {
            guard let content = contents[digest] else { continue }
            contents[digest] = content.holders > 1 ? (content.bytes, content.holders - 1) : nil
        }
    }

    /// The answer to a piece that the coordinator asks for.
    package func answer(_ piece: ContentPiece) -> ContentBytes {
        guard let bytes = contents[piece.digest]?.bytes, piece.offset <= UInt64(bytes.count) else {
            return ContentBytes(digest: piece.digest, offset: piece.offset, total: 0, bytes: nil)
        }
        let start = bytes.startIndex + Int(piece.offset)
        let end = min(start + Int(piece.length), bytes.endIndex)
        return ContentBytes(
            digest: piece.digest, offset: piece.offset, total: UInt64(bytes.count), bytes: bytes[start..<end])
    }
}
