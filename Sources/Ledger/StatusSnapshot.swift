import Foundation

/// What people see: read from counters, whatever the number of shards.
public struct StatusSnapshot: Codable, Sendable {
    /// Seconds since 1970 by the database's clock.
    public var time: Double
    public var jobs: [JobStatus]
    public var workers: [WorkerStatus]
    /// Who leads; nil when nobody ever did.
    public var leader: LeaderStatus?
    /// What the coordinator's threads wait for; only a coordinator knows, the ledger does not.
    public var waits: [ThreadWait]?
    /// What the coordinator says of the cluster as a whole, such as a clock that went back.
    public var notices: [Notice]
}

/// What stands in the way of one of a coordinator's threads: PostgreSQL is away, its disk is full.
public struct ThreadWait: Codable, Sendable {
    public var thread: String
    public var reason: String
    /// Seconds since 1970 by the coordinator's clock.
    public var since: Double

    public init(thread: String, reason: String, since: Double) {
        self.thread = thread
        self.reason = reason
        self.since = since
    }
}

public struct Notice: Codable, Sendable {
    /// A short stable word: `clock`.
    public var kind: String
    public var message: String
    public var since: Double
}

public struct LeaderStatus: Codable, Sendable {
    public var holder: String
    public var epoch: Int64
    /// Whether its lease is still running.
    public var isCurrent: Bool
}

public struct JobStatus: Codable, Sendable {
    public var id: JobID
    public var archive: String
    public var state: Job.State
    public var message: String
    public var createdAt: Double
    public var finishedAt: Double?
    public var stages: [StageStatus]
    public var rounds: [Round]
    public var errors: [ErrorStatus]
    /// What queued shards wait for that will not come by itself.
    public var waits: [WaitStatus]
    /// Shards that were set aside, at most a thousand.
    public var quarantined: [QuarantinedShard]
}

public struct StageStatus: Codable, Sendable {
    public var name: String
    public var state: JobStage.State
    public var message: String
    public var startedAt: Double?
    public var finishedAt: Double?
    public var counts: ShardCounts
    public var centres: [CentreStatus]
    /// Shards done a second, over the last minute or the last ten shards, whichever is longer; nil when none was done or the
    /// stage does not run.
    public var shardsPerSecond: Double?
    /// Items (images, studies) done a second, over the same time.
    public var itemsPerSecond: Double?
    /// Rounds begun, and how many the stage makes at most: training makes several, most other stages one.
    public var roundsBegun: Int32
    public var rounds: Int32
    /// Seconds until all is done at that rate, if rounds that have not begun have as many shards as those that have.
    public var secondsLeft: Double?
}

public struct CentreStatus: Codable, Sendable {
    public var centre: String
    public var counts: ShardCounts
}

/// Errors of one reason in one stage.
public struct ErrorStatus: Codable, Sendable {
    public var stage: String
    public var code: String
    public var count: Int64
    public var lastMessage: String
    public var lastAt: Double
}

public struct WorkerStatus: Codable, Sendable {
    public enum State: String, Codable, Sendable { case active, gone, lost }
    public var name: String
    public var boot: String
    public var state: State
    public var slots: Int32
    public var centres: [String]
    public var setup: String
    public var address: String
    public var version: String
    /// Seconds since its last heartbeat, by the database's clock.
    public var heartbeatAge: Double
    /// The shards it holds: stage and key.
    public var shards: [String]
    /// What keeps it from work.
    public var troubles: [WorkerTrouble]
}

/// What keeps a worker from work: its host's fault, no shard's.
public struct WorkerTrouble: Codable, Hashable, Sendable {
    /// The centre whose shards it does not take; nil: a slot that does not return.
    public var centre: String?
    /// The job whose shards of the centre it does not take; nil: of all jobs.
    public var job: Int64?
    public var reason: String
    /// Seconds since 1970 by the database's clock.
    public var since: Double

    public init(centre: String?, job: Int64?, reason: String, since: Double) {
        self.centre = centre
        self.job = job
        self.reason = reason
        self.since = since
    }
}
