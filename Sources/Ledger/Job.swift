import Foundation

/// One run of a pipeline over an archive.
public struct Job: Sendable, Identifiable {
    public enum State: String, Codable, Sendable, CaseIterable {
        case running, complete, partial, failed, cancelled
        public var isFinal: Bool { self != .running }
    }

    public var id: JobID
    /// The pipeline as it was submitted, JSON, byte for byte.
    public var pipeline: Data
    public var seed: Int64
    /// How people call the archive.
    public var archive: String
    public var state: State
    public var message: String
    /// The numeric setup that the first claim of a shard with `needsUniformSetup` fixed; nil before.
    public var numericSetup: String?
    /// Seconds since 1970 by the database's clock.
    public var createdAt: Double
    public var finishedAt: Double?
    public var stages: [JobStage]
}

/// A step of a job that is to be created.
public struct NewStep: Hashable, Sendable {
    /// Unique in its job.
    public var name: String
    /// The stage that it runs.
    public var stage: String
    /// How many rounds it makes at most.
    public var rounds: Int

    /// - Parameter stage: nil for a step that is called as its stage.
    public init(_ name: String, stage: String? = nil, rounds: Int = 1) {
        self.name = name
        self.stage = stage ?? name
        self.rounds = rounds
    }
}

/// One step of a job, in the order in which the job runs them.
public struct JobStage: Codable, Hashable, Sendable {
    public enum State: String, Codable, Sendable, CaseIterable {
        case pending, running, complete, partial, failed, skipped, cancelled
        public var isFinal: Bool { self != .pending && self != .running }
    }

    /// The step's name in its pipeline.
    public var name: String
    /// The stage that it runs.
    public var kind: String
    public var state: State
    public var message: String
    /// Seconds since 1970 by the database's clock.
    public var startedAt: Double?
    public var finishedAt: Double?
    /// How many rounds it makes at most.
    public var rounds: Int32
}
