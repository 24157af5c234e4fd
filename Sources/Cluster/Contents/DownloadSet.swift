import Digest
import Foundation
import Wire

/// The contents that a worker is fetching, put together in memory. A value without I/O.
package struct DownloadSet {
    package enum Step: Equatable {
        case ask([ContentPiece])
        case complete(SHA256Digest, Data)
        case failed(SHA256Digest, String)
        case ignored
    }

    private struct Download {
        var pieces: ContentDownload
        var bytes = Data()
        let digest: SHA256Digest
    }

    private var downloads: [Data: Download] = [:]
    private let window: Int
    private let patience: Duration
    private let sizeLimit: UInt64

    package init(window: Int = 8, patience: Duration = .seconds(10), sizeLimit: UInt64 = WireProtocol.contentSizeInBytes) {
        self.window = window
        self.patience = patience
        self.sizeLimit = sizeLimit
    }

    package var count: Int { downloads.count }

    package mutating func begin(_ digest: SHA256Digest, now: ContinuousClock.Instant) -> [ContentPiece] {
        let name = Data(digest.bytes)
        guard downloads[name] == nil else { return [] }
        var download = Download(pieces: ContentDownload(digest: name, size: nil, window: window), digest: digest)
        let pieces = download.pieces.start(now: now)
        downloads[name] = download
        return pieces
    }

    package mutating func receive(_ content: ContentBytes, now: ContinuousClock.Instant) -> Step {
        guard var download = downloads[content.digest] else { return .ignored }
        // Out of the dictionary while it changes, so that the bytes are not copied.
        downloads[content.digest] = nil
        guard content.total <= sizeLimit else {
            return .failed(download.digest, "it has \(content.total) bytes; at most \(sizeLimit)")
        }
        switch download.pieces.receive(content, now: now) {
        case .ignored:
            downloads[content.digest] = download
            return .ignored
        case .piece(let offset, let bytes, let ask):
            Self.store(bytes, at: offset, of: content.total, in: &download.bytes)
            downloads[content.digest] = download
            return .ask(ask)
        case .complete(let offset, let bytes):
            Self.store(bytes, at: offset, of: content.total, in: &download.bytes)
            return .complete(download.digest, download.bytes)
        case .failed(let reason): return .failed(download.digest, reason)
        }
    }

    private static func store(_ bytes: Data, at offset: UInt64, of total: UInt64, in data: inout Data) {
        if data.isEmpty { data = Data(count: Int(total)) }
        data.replaceSubrange(Int(offset)..<Int(offset) + bytes.count, with: bytes)
    }

    /// Pieces that nobody has answered for a while.
    package mutating func retries(now: ContinuousClock.Instant) -> [[ContentPiece]] { ask(again: patience, now) }

    /// Every piece under way, again: the connection is new.
    package mutating func restart(now: ContinuousClock.Instant) -> [[ContentPiece]] { ask(again: .zero, now) }

    private mutating func ask(again patience: Duration, _ now: Instant) -> [[ContentPiece]] {
        downloads.keys.compactMap { name in
            let pieces = downloads[name]?.pieces.retry(now: now, patience: patience) ?? []
            return pieces.isEmpty ? nil : pieces
        }
    }
}
