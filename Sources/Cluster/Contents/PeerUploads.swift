import Foundation
import Wire

/// The results of one worker that wait for their contents, and the contents under way from it. A value without I/O.
package struct PeerUploads {
    /// Bytes to be stored.
    package struct Piece: Equatable {
        package var offset: UInt64
        package var bytes: Data
        package var size: UInt64
        /// No other piece of this content is missing.
        package var isLast: Bool
    }

    package struct Received {
        package var store: Piece?
        /// Why the content cannot be had.
        package var failure: String?
        fileprivate var digest: Data
        fileprivate var ask: [ContentPiece] = []
    }

    package struct Step: Equatable {
        package var ask: [ContentPiece] = []
        /// Results all of whose contents are in the ledger now.
        package var ready: [ShardResult] = []

        package init(ask: [ContentPiece] = [], ready: [ShardResult] = []) {
            self.ask = ask
            self.ready = ready
        }
    }

    private struct Waiting {
        var result: ShardResult
        var missing: Set<Data>
    }

    private var waiting: [ShardLease: Waiting] = [:]
    private var order: [ShardLease] = []
    private var queue: [ShardResult.Blob] = []
    private var underWay: [Data: ContentDownload] = [:]
    /// Contents and pieces at a time.
    private let contentLimit: Int
    private let window: Int
    private let patience: Duration

    package init(contentLimit: Int = 8, window: Int = 2, patience: Duration = .seconds(10)) {
        self.contentLimit = contentLimit
        self.window = window
        self.patience = patience
    }

    package var waitingCount: Int { waiting.count }
    package var piecesUnderWay: Int { underWay.values.reduce(0) { $0 + $1.piecesUnderWay } }

    /// New results, or results that a worker repeats because it was not answered.
    package mutating func add(_ results: [ShardResult], present: Set<Data>, now: ContinuousClock.Instant) -> Step {
        var step = Step()
        for result in results {
            let missing = Set(result.contents.map(\.digest)).subtracting(present)
            guard !missing.isEmpty else {
                step.ready.append(result)
                continue
            }
            guard waiting[result.lease] == nil else { continue }
            waiting[result.lease] = Waiting(result: result, missing: missing)
            order.append(result.lease)
            var known = Set(queue.map(\.digest))
            for blob in result.contents where missing.contains(blob.digest) && underWay[blob.digest] == nil {
                if known.insert(blob.digest).inserted { queue.append(blob) }
            }
        }
        step.ask = startMore(now)
        return step
    }

    package mutating func receive(_ content: ContentBytes, now: ContinuousClock.Instant) -> Received {
        var received = Received(digest: content.digest)
        guard var download = underWay.removeValue(forKey: content.digest) else { return received }
        switch download.receive(content, now: now) {
        case .ignored: underWay[content.digest] = download
        case .piece(let offset, let bytes, let ask):
            received.store = Piece(offset: offset, bytes: bytes, size: content.total, isLast: false)
            received.ask = ask
            underWay[content.digest] = download
        case .complete(let offset, let bytes):
            received.store = Piece(offset: offset, bytes: bytes, size: content.total, isLast: true)
        case .failed(let reason): received.failure = reason
        }
        return received
    }

    /// After what was received has been stored: results that are ready, and what to ask for next.
    package mutating func proceed(after received: Received, now: ContinuousClock.Instant) -> Step {
        var step = Step(ask: received.ask)
        if received.store?.isLast == true {
            for lease in order {
                waiting[lease]?.missing.remove(received.digest)
                if let entry = waiting[lease], entry.missing.isEmpty {
                    step.ready.append(entry.result)
                    waiting[lease] = nil
                }
            }
            order.removeAll { waiting[$0] == nil }
        }
        step.ask += startMore(now)
        return step
    }

    /// Gives a content up.
    package mutating func abandon(_ digest: Data) {
        underWay[digest] = nil
        queue.removeAll { $0.digest == digest }
    }

    /// The results that wait for this content, which they will not get.
    package mutating func takeWaiting(for digest: Data) -> [ShardLease] {
        let leases = order.filter { waiting[$0]?.missing.contains(digest) ?? false }
        for lease in leases { waiting[lease] = nil }
        order.removeAll { waiting[$0] == nil }
        return leases
    }

    package mutating func retry(now: ContinuousClock.Instant) -> [ContentPiece] {
        underWay.keys.flatMap { underWay[$0]?.retry(now: now, patience: patience) ?? [] }
    }

    private mutating func startMore(_ now: Instant) -> [ContentPiece] {
        var ask: [ContentPiece] = []
        while underWay.count < contentLimit, !queue.isEmpty {
            let blob = queue.removeFirst()
            var download = ContentDownload(digest: blob.digest, size: blob.size, window: window)
            ask += download.start(now: now)
            underWay[blob.digest] = download
        }
        return ask
    }
}
