import Foundation

/// A worker introduces itself.
public struct Hello: Sendable, Hashable {
    public var lowestVersion: UInt32
    public var highestVersion: UInt32
    public var worker: String
    /// 16 bytes, new at every start of the worker's process.
    public var boot: Data
    public var slots: UInt32
    public var centres: [String]
    public var stages: [String]
    public var numericSetup: String
    public var program: String
    public var host: String
    public var process: Int64
    /// What the worker still has in hand from an earlier connection of the same boot.
    public var held: [ShardLease]

    public init(
        lowestVersion: UInt32 = WireProtocol.version, highestVersion: UInt32 = WireProtocol.version, worker: String,
        boot: Data, slots: UInt32, centres: [String], stages: [String], numericSetup: String, program: String,
        host: String, process: Int64, held: [ShardLease] = []
    ) {
        self.lowestVersion = lowestVersion
        self.highestVersion = highestVersion
        self.worker = worker
        self.boot = boot
        self.slots = slots
        self.centres = centres
        self.stages = stages
        self.numericSetup = numericSetup
        self.program = program
        self.host = host
        self.process = process
        self.held = held
    }
}

public struct Welcome: Sendable, Hashable {
    public var version: UInt32
    public var epoch: Int64
    public var heartbeatInterval: Duration
    public var leaseDuration: Duration
    /// Of `Hello.held`: those that are no longer the worker's.
    public var revoked: [ShardLease]

    public init(
        version: UInt32 = WireProtocol.version, epoch: Int64, heartbeatInterval: Duration, leaseDuration: Duration,
        revoked: [ShardLease]
    ) {
        self.version = version
        self.epoch = epoch
        self.heartbeatInterval = heartbeatInterval
        self.leaseDuration = leaseDuration
        self.revoked = revoked
    }
}

/// What a worker has in hand, sent at a fixed interval.
public struct Heartbeat: Sendable, Hashable {
    public struct Progress: Sendable, Hashable {
        public var lease: ShardLease
        public var done: UInt32
        public var total: UInt32
        public var isRunning: Bool

        public init(lease: ShardLease, done: UInt32 = 0, total: UInt32 = 0, isRunning: Bool = false) {
            self.lease = lease
            self.done = done
            self.total = total
            self.isRunning = isRunning
        }
    }

    /// What keeps a worker from work, and is its host's fault.
    public struct Trouble: Sendable, Hashable {
        /// The centre whose shards it does not take; nil: a slot that does not return.
        public var centre: String?
        /// The job whose shards of the centre it does not take; nil: of all jobs.
        public var job: Int64?
        public var reason: String
        /// For how long.
        public var age: Duration

        public init(centre: String?, job: Int64?, reason: String, age: Duration) {
            self.centre = centre
            self.job = job
            self.reason = reason
            self.age = age
        }
    }

    public var sequence: UInt64
    public var held: [Progress]
    public var limit: UInt64
    public var isDraining: Bool
    public var residentBytes: UInt64
    /// All that there are now.
    public var troubles: [Trouble]

    public init(
        sequence: UInt64, held: [Progress], limit: UInt64, isDraining: Bool, residentBytes: UInt64, troubles: [Trouble] = []
    ) {
        self.troubles = troubles
        self.sequence = sequence
        self.held = held
        self.limit = limit
        self.isDraining = isDraining
        self.residentBytes = residentBytes
    }
}

public struct HeartbeatAck: Sendable, Hashable {
    public var sequence: UInt64
    public var revoked: [ShardLease]
    /// Nothing was extended and nothing lost: the coordinator waits for its database.
    public var isLedgerAway: Bool
    public var epoch: Int64

    public init(sequence: UInt64, revoked: [ShardLease], isLedgerAway: Bool, epoch: Int64) {
        self.sequence = sequence
        self.revoked = revoked
        self.isLedgerAway = isLedgerAway
        self.epoch = epoch
    }
}
