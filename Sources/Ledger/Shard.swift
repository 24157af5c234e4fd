import Digest
import Foundation

/// A shard to enqueue: the unit of leasing, retry and progress.
public struct NewShard: Sendable {
    /// Unique within (job, stage, round): enqueuing it again changes nothing.
    public var key: String
    /// The centre whose data it reads; "" when any worker may take it.
    public var centre: String
    /// What the stage's map needs to know, JSON.
    public var input: Data
    /// Blobs that the worker may fetch, which the ledger keeps as long as the shard is open; they must be there already.
    public var blobs: [SHA256Digest]
    /// Whether all such shards of the job must run under one numeric setup (training).
    public var needsUniformSetup: Bool
    /// Higher goes first; equal priorities go in the order of enqueuing.
    public var priority: Int32
    /// How many items (images, studies) the shard holds, for rates; 1 when that says nothing.
    public var items: Int32

    public init(
        key: String, centre: String, input: Data, blobs: [SHA256Digest] = [], needsUniformSetup: Bool = false,
        priority: Int32 = 0, items: Int32 = 1
    ) {
        self.key = key
        self.centre = centre
        self.input = input
        self.blobs = blobs
        self.needsUniformSetup = needsUniformSetup
        self.priority = priority
        self.items = items
    }
}

/// A shard that a worker now holds, until its lease ends.
public struct ClaimedShard: Sendable, Identifiable {
    public var id: ShardID
    public var job: JobID
    /// The step's name.
    public var stage: String
    /// The stage that it runs.
    public var kind: String
    public var round: Int32
    public var key: String
    public var centre: String
    public var input: Data
    /// The attempt's number: what every later word about this lease must carry.
    public var fence: Int32

    public var lease: LeaseKey { LeaseKey(shard: id, fence: fence) }
}

/// A finished shard, offered for commit.
public struct ShardCommit: Sendable {
    public var lease: LeaseKey
    public var worker: WorkerIncarnation
    /// What the reduce needs to know, JSON; `{}` when nothing.
    public var record: Data
    /// The rows that the shard contributes to the ledger.
    public var rows: [ResultRow]
    /// Blobs that hold its payload (a parameter delta, masks): they must be in the ledger already.
    public var blobs: [SHA256Digest]

    public init(
        lease: LeaseKey, worker: WorkerIncarnation, record: Data, rows: [ResultRow] = [], blobs: [SHA256Digest] = []
    ) {
        self.lease = lease
        self.worker = worker
        self.record = record
        self.rows = rows
        self.blobs = blobs
    }
}

/// What became of an offered commit.
public enum CommitOutcome: Hashable, Sendable {
    /// Written, with all its rows, and durable.
    case accepted
    /// The fence is not the shard's any more: nothing was written, the bytes can be dropped.
    case stale
    /// This very attempt was committed before (its acknowledgement was lost): nothing was written again.
    case duplicate
    /// Its rows or blobs break a rule of the schema: nothing of it was written, the lease still stands. The text
    /// says which rule; report it with `fail`.
    case invalid(String)
}

/// What became of a failed or lost attempt.
public enum FailureOutcome: Hashable, Sendable {
    /// Queued again, claimable after `backoff` seconds.
    case requeued(backoff: Double)
    /// Failed too often: set aside with its error.
    case quarantined
    /// The fence was not the shard's any more: nothing was written.
    case stale
}

/// A lease that ended without a result.
public struct LostLease: Sendable {
    public var lease: LeaseKey
    public var job: JobID
    public var stage: String
    public var round: Int32
    public var key: String
    public var centre: String
    public var worker: WorkerIncarnation
    public var outcome: FailureOutcome
}

/// The committed result of one shard, as a reduce reads it.
public struct ShardRecord: Sendable {
    public var shard: ShardID
    public var key: String
    public var centre: String
    public var worker: String
    public var fence: Int32
    public var record: Data
    public var blobs: [SHA256Digest]
}

/// A shard that was set aside.
public struct QuarantinedShard: Codable, Sendable {
    public var shard: ShardID
    public var stage: String
    public var round: Int32
    public var key: String
    public var centre: String
    public var code: String
    public var error: String
    /// The worker of the last attempt.
    public var worker: String
}

/// How often an attempt may fail before its shard is set aside, and how long it waits in between.
public struct RetryPolicy: Hashable, Codable, Sendable {
    /// Errors that the shard's own computation reported.
    public var maxTaskErrors: Int32 = 3
    /// Attempts that ended with their worker's death or silence: a shard that kills this many workers is set aside. Most
    /// losses are a host's fault and none of the shard's (a machine that is switched off, an operator's kill), and they
    /// come in rows: ten of them must not sink a long shard.
    public var maxLosses: Int32 = 12
    /// Seconds before the first repetition after a task error; doubles with each, up to `maxBackoff`.
    public var initialBackoff: Double = 1
    public var maxBackoff: Double = 60

    public init() {}
}

/// How many shards of a round, or of a whole stage, are in which state.
public struct ShardCounts: Codable, Hashable, Sendable {
    public var queued: Int64 = 0
    public var leased: Int64 = 0
    public var done: Int64 = 0
    public var quarantined: Int64 = 0
    public var cancelled: Int64 = 0
    /// Attempts that reported an error, over all shards.
    public var taskErrors: Int64 = 0
    /// Attempts that ended with their worker's death or silence.
    public var losses: Int64 = 0

    public init() {}

    public var total: Int64 { queued + leased + done + quarantined + cancelled }
    /// Shards that may still change.
    public var open: Int64 { queued + leased }
}
