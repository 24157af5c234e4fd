import Digest
import Foundation
import Stages
import Synchronization
import Wire

/// How often each shard went back because something that it could not read was there a moment later: a disk on which that
/// is always so must not keep it going round for ever.
final class ReturnCounts: Sendable {
    private let counts = Mutex<[Int64: Int]>([:])
    private static let limit = 5

    /// Whether the shard may go back once more; counts it.
    func mayReturn(_ shard: Int64) -> Bool {
        counts.withLock { counts in
            let count = counts[shard, default: 0]
            guard count < Self.limit else { return false }
            counts[shard] = count + 1
            return true
        }
    }
}

/// A slot: one thread, one shard at a time.
struct Slot: Sendable {
    /// What a slot tells the loop.
    enum Conclusion: Sendable {
        case finished(ShardResult, contents: [Data: Data], seconds: Double)
        case failed(ShardFailure)
        case stopped(ShardLease)
        /// A content has to be fetched; not about a shard.
        case wants(SHA256Digest)
    }

    let stages: StageRegistry
    let stop: StopFlag
    let contents: ContentStore
    let objects: SharedObjects
    let centres: [String: URL]
    let keys: CentreKeys
    let pictures: PictureShelf
    let watch: CentreWatch
    let returns: ReturnCounts
    let conclude: @Sendable (Conclusion) -> Void

    /// Works until `tasks` is closed.
    func run(_ tasks: Mailbox<ShardTask>) {
        while let task = tasks.receiveOne() {
            // One that was withdrawn has been answered for already.
            guard task.begin() else { continue }
            conclude(work(on: task))
        }
    }

    private func work(on task: ShardTask) -> Conclusion {
        let shard = task.shard
        guard !task.isCancelled, !stop.isSet else { return .stopped(shard.lease) }
        let start = ContinuousClock.now
        // The host's trouble is no fault of the shard's: it goes back and is not charged.
        if let centre = shard.centre, watch.hasTrouble(centre, job: shard.job) { return .stopped(shard.lease) }
        let context = SlotContext(
            task: task, stop: stop, contents: contents, objects: objects, centres: centres, keys: keys, pictures: pictures)
        do {
            guard let stage = stages[shard.kind] else {
                return failure(shard, "unknown-stage", "this worker does not know the stage \(shard.kind)", isOurs: true)
            }
            let input = ShardInput(
                step: shard.stage, round: Int(shard.round), key: shard.key, centre: shard.centre, input: shard.input,
                seed: shard.seed)
            let output = try stage.map(input, context: context)
            if wasSpoilt(shard, output.rows, since: start, context) { return .stopped(shard.lease) }
            // Only now: pictures of a folder that was another centre's are not kept.
            return try package(pictures.settled(output, job: shard.job, step: shard.stage, stage: shard.kind), of: shard, since: start)
        } catch let error as StageError where error.code == .cancelled {
            // A stage that gives up without being told to must not come back for ever.
            guard task.isCancelled || stop.isSet else { return failure(shard, "cancelled", error.message) }
            return .stopped(shard.lease)
        } catch  where isHostsTrouble(shard, since: start) {
            return .stopped(shard.lease)
        } catch let error as StageError {
            return failure(shard, error.code.description, error.message)
        } catch let error as ClusterError where error.code == .missingContent {
            return failure(shard, "missing-content", error.message, isOurs: true)
        } catch let error as ClusterError {
            return failure(shard, error.code.description, error.message)
        } catch {
            // Other errors may quote what they met: only their kind is passed on.
            return failure(shard, "unexpected-error", "the stage threw \(type(of: error))")
        }
    }

    // MARK: The archive's trouble

    /// Whether the centre's archive is, or was meanwhile, not there as a whole: what a shard met then says nothing about it.
    private func isHostsTrouble(_ shard: AssignedShard, since start: Instant) -> Bool {
        guard let centre = shard.centre else { return false }
        return watch.hasTrouble(centre, job: shard.job, thoroughly: true)
            || watch.wasInTrouble(centre, job: shard.job, since: start)
    }

    /// Whether a shard came to its end over an archive that was not there all the time: it may have missed what is there
    /// again, with or without a row that says so. Single files that are missing are their own items' failures.
    private func wasSpoilt(
        _ shard: AssignedShard, _ rows: [ResultRow], since start: Instant, _ context: SlotContext
    ) -> Bool {
        guard let centre = shard.centre else { return false }
        let failed = rows.compactMap { row -> ResultRow.ItemRow? in
            if case .item(let item) = row, item.centre == centre { item } else { nil }
        }
        if watch.hasTrouble(centre, job: shard.job, thoroughly: !failed.isEmpty)
            || watch.wasInTrouble(centre, job: shard.job, since: start)
        {
            return true
        }
        // Away for less time than anybody looked.
        return failed.contains { context.isReadableNow($0) } && returns.mayReturn(shard.lease.shard)
    }

    private func package(_ output: ShardOutput, of shard: AssignedShard, since start: Instant) throws -> Conclusion {
        for row in output.rows { try row.requireNumbers() }
        let rows = try PackedRows(output.rows, besides: output.record.count + output.blobs.count * 64)
        var contents: [Data: Data] = [:]
        func blob(_ bytes: Data) -> ShardResult.Blob {
            let digest = Data(SHA256Digest(hashing: bytes).bytes)
            contents[digest] = bytes
            return ShardResult.Blob(digest: digest, size: UInt64(bytes.count))
        }
        let elapsed = ContinuousClock.now - start
        let result = ShardResult(
            lease: shard.lease, rows: rows.inline, rowContents: rows.contents.map(blob), record: output.record,
            blobs: output.blobs.map(blob), computeMilliseconds: UInt32(clamping: Int(elapsed.inSeconds * 1000)))
        // Sent all the same, it would take others in its message with it.
        if let (code, reason) = result.refusal { return failure(shard, code, reason) }
        return .finished(result, contents: contents, seconds: elapsed.inSeconds)
    }

    private func failure(_ shard: AssignedShard, _ code: String, _ message: String, isOurs: Bool = false) -> Conclusion {
        .failed(
            ShardFailure(lease: shard.lease, code: code, message: Self.bounded(message, 2000), isInfrastructure: isOurs))
    }

    private static func bounded(_ text: String, _ count: Int) -> String {
        text.count <= count ? text : String(text.prefix(count)) + "…"
    }

}
