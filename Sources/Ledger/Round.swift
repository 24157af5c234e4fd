import Digest
import Foundation

/// Parameters, by their content. The bytes are the blob of the same digest, until they are pruned.
public struct ModelDescription: Hashable, Codable, Sendable {
    public var digest: SHA256Digest
    public var parameterCount: Int64
    public var description: String

    public init(digest: SHA256Digest, parameterCount: Int64, description: String) {
        self.digest = digest
        self.parameterCount = parameterCount
        self.description = description
    }
}

/// What one logical replica gave to a round.
public struct Contribution: Hashable, Sendable {
    /// The replica's shard key.
    public var replica: String
    public var centre: String
    /// How many samples it trained on: its weight, before any robust rule.
    public var samples: Int64
    /// Its weight in the average, the same for all under a robust rule; 0 when rejected.
    public var weight: Double
    /// Its mean training loss.
    public var loss: Double?
    public var delta: SHA256Digest?
    /// Why it was left out; nil when it was taken.
    public var rejected: String?

    public init(
        replica: String, centre: String, samples: Int64, weight: Double, loss: Double?, delta: SHA256Digest?,
        rejected: String? = nil
    ) {
        self.replica = replica
        self.centre = centre
        self.samples = samples
        self.weight = weight
        self.loss = loss
        self.delta = delta
        self.rejected = rejected
    }
}

/// One round of parameter averaging.
public struct Round: Codable, Hashable, Sendable {
    public var stage: String
    public var round: Int32
    public var expected: Int32
    public var received: Int32
    public var rejected: Int32
    public var base: SHA256Digest?
    public var result: SHA256Digest?
    /// What the reduction itself keeps for the next round, such as an outer optimiser's momentum.
    public var state: SHA256Digest?
    /// Whether no other round follows, although the stage may make more (early stopping).
    public var isFinal: Bool
    /// Mean training loss over the contributions taken, by weight.
    public var loss: Double?
    /// `validationAUC` of its metrics, where they have one.
    public var validationAUC: Double?
    /// The metrics that the reduce reported, JSON.
    public var metrics: Data
    /// Seconds since 1970 by the database's clock.
    public var finishedAt: Double?
}
