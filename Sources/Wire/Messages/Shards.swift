import Foundation

/// A shard on its way to a worker.
public struct AssignedShard: Sendable, Hashable {
    public var lease: ShardLease
    public var job: Int64
    /// The step's name in its pipeline.
    public var stage: String
    /// The stage that it runs.
    public var kind: String
    public var round: Int32
    public var key: String
    /// Nil: the shard reads no archive.
    public var centre: String?
    public var seed: UInt64
    public var input: Data
    /// What the centre's archive is recognised by; once for each job and centre in a session.
    public var fingerprint: Data?

    public init(
        lease: ShardLease, job: Int64, stage: String, kind: String? = nil, round: Int32, key: String, centre: String?, seed: UInt64,
        input: Data, fingerprint: Data? = nil
    ) {
        self.fingerprint = fingerprint
        self.lease = lease
        self.job = job
        self.stage = stage
        self.kind = kind ?? stage
        self.round = round
        self.key = key
        self.centre = centre
        self.seed = seed
        self.input = input
    }
}

/// What a shard came to; its contents follow when the coordinator fetches them.
public struct ShardResult: Sendable, Hashable {
    public struct Blob: Sendable, Hashable {
        /// 32 bytes.
        public var digest: Data
        public var size: UInt64

        public init(digest: Data, size: UInt64) {
            self.digest = digest
            self.size = size
        }
    }

    public var lease: ShardLease
    /// A JSON array of rows; empty means none, or that they are in `rowContents`.
    public var rows: Data
    /// Rows too large for a header, in order: each content is a JSON array of rows.
    public var rowContents: [Blob]
    public var record: Data
    public var blobs: [Blob]
    public var computeMilliseconds: UInt32

    public init(
        lease: ShardLease, rows: Data, rowContents: [Blob] = [], record: Data, blobs: [Blob] = [],
        computeMilliseconds: UInt32 = 0
    ) {
        self.lease = lease
        self.rows = rows
        self.rowContents = rowContents
        self.record = record
        self.blobs = blobs
        self.computeMilliseconds = computeMilliseconds
    }

    /// Everything that must be fetched before the result can be committed.
    public var contents: [Blob] { rowContents + blobs }
}

/// The coordinator's last word about a lease: the worker forgets it.
public struct ShardAck: Sendable, Hashable {
    public enum Outcome: Int32, Sendable, CaseIterable {
        case accepted = 1
        case stale, duplicate, invalid
    }

    public var lease: ShardLease
    public var outcome: Outcome
    public var reason: String

    public init(lease: ShardLease, outcome: Outcome, reason: String = "") {
        self.lease = lease
        self.outcome = outcome
        self.reason = reason
    }
}

/// A shard that could not be done.
public struct ShardFailure: Sendable, Hashable {
    public var lease: ShardLease
    /// A short stable word.
    public var code: String
    /// For people, without report text.
    public var message: String
    /// The machine's fault rather than the shard's.
    public var isInfrastructure: Bool

    public init(lease: ShardLease, code: String, message: String, isInfrastructure: Bool) {
        self.lease = lease
        self.code = code
        self.message = message
        self.isInfrastructure = isInfrastructure
    }
}

/// A piece of a content that somebody asks for.
public struct ContentPiece: Sendable, Hashable {
    /// 32 bytes.
    public var digest: Data
    public var offset: UInt64
    /// 1 to `WireProtocol.pieceSizeInBytes`.
    public var length: UInt32

    public init(digest: Data, offset: UInt64, length: UInt32) {
        self.digest = digest
        self.offset = offset
        self.length = length
    }
}

/// The answer to a `ContentPiece`.
public struct ContentBytes: Sendable, Hashable {
    public var digest: Data
    public var offset: UInt64
    /// The whole content's size.
    public var total: UInt64
    /// Nil: whoever was asked does not have the content.
    public var bytes: Data?

    public init(digest: Data, offset: UInt64, total: UInt64, bytes: Data?) {
        self.digest = digest
        self.offset = offset
        self.total = total
        self.bytes = bytes
    }
}
