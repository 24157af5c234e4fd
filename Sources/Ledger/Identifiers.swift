/// The number of a job.
public struct JobID: RawRepresentable, Hashable, Comparable, Codable, Sendable, CustomStringConvertible {
    public var rawValue: Int64
    public init(rawValue: Int64) { self.rawValue = rawValue }
    public init(_ rawValue: Int64) { self.rawValue = rawValue }
    public var description: String { String(rawValue) }
    public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

/// The number of a shard, unique over all jobs.
public struct ShardID: RawRepresentable, Hashable, Comparable, Codable, Sendable, CustomStringConvertible {
    public var rawValue: Int64
    public init(rawValue: Int64) { self.rawValue = rawValue }
    public init(_ rawValue: Int64) { self.rawValue = rawValue }
    public var description: String { String(rawValue) }
    public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

/// One attempt at one shard: the shard and its fence, which is the attempt's number. Whoever holds an older fence
/// than the shard's can change nothing.
public struct LeaseKey: Hashable, Codable, Sendable {
    public var shard: ShardID
    public var fence: Int32

    public init(shard: ShardID, fence: Int32) {
        self.shard = shard
        self.fence = fence
    }
}

/// One life of a worker process: its configured name, and an identifier that is new at every start.
public struct WorkerIncarnation: Hashable, Codable, Sendable {
    public var name: String
    public var boot: String

    public init(name: String, boot: String) {
        self.name = name
        self.boot = boot
    }
}
