import Foundation

/// Everything that is said between a coordinator, its workers and its clients; proto/endoked.proto says when.
public enum WireMessage: Sendable, Hashable {
    case hello(Hello)
    case welcome(Welcome)
    case refused(Refused)
    case want(limit: UInt64)
    case assign([AssignedShard])
    case heartbeat(Heartbeat)
    case heartbeatAck(HeartbeatAck)
    case results([ShardResult])
    case acks([ShardAck])
    case giveBack([ShardLease], reason: String)
    case failures([ShardFailure])
    case fetch([ContentPiece])
    case content(ContentBytes)
    case drain(reason: String)
    case goodbye(reason: String)
    case statusQuery(request: UInt64, job: Int64)
    case statusAnswer(request: UInt64, json: Data, error: String)
    case submitJob(SubmitJob)
    case jobAnswer(request: UInt64, job: Int64, error: String)
    case cancelJob(request: UInt64, job: Int64, reason: String)
    case resumeJob(request: UInt64, job: Int64)
    /// `stage` is empty for all of the job's.
    case requeueJob(request: UInt64, job: Int64, stage: String)
    case requeueAnswer(request: UInt64, count: Int64, error: String)
}

/// One attempt at one shard; the attempt's number is the fence of everything that is said about it.
public struct ShardLease: Sendable, Hashable, Comparable, CustomStringConvertible {
    public var shard: Int64
    public var attempt: Int32

    public init(shard: Int64, attempt: Int32) {
        self.shard = shard
        self.attempt = attempt
    }

    public var description: String { "\(shard)#\(attempt)" }

    public static func < (left: Self, right: Self) -> Bool {
        (left.shard, left.attempt) < (right.shard, right.attempt)
    }
}

/// Why something is not accepted.
public struct Refused: Sendable, Hashable {
    public enum Code: Int32, Sendable, CaseIterable {
        case unspecified = 0
        case version, unknownSession, malformed, identity, notLeader
    }

    public var code: Code
    public var reason: String

    public init(code: Code, reason: String) {
        self.code = code
        self.reason = reason
    }
}

/// A client's job.
public struct SubmitJob: Sendable, Hashable {
    public var request: UInt64
    /// JSON5.
    public var pipeline: Data
    /// How people call the archive.
    public var archive: String
    /// The same key makes one job, however often it is sent.
    public var idempotencyKey: String
    /// Centres that the job is about; none means all that the workers now connected can read.
    public var centres: [String]

    public init(request: UInt64, pipeline: Data, archive: String, idempotencyKey: String, centres: [String] = []) {
        self.request = request
        self.pipeline = pipeline
        self.archive = archive
        self.idempotencyKey = idempotencyKey
        self.centres = centres
    }
}
