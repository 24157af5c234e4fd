import Digest
import Foundation

/// What a shard of `mil-train` is told: train a replica, or look at validation bags.
struct MILTrainShard: Codable {
    var kind: ReplicaRecord.Kind
    var centre: String
    /// The round's parameters.
    var base: SHA256Digest
    /// A `BagList`.
    var bags: SHA256Digest
    var settings: MILTrainSettings
}

/// What `reduce` is told of a shard.
struct MILTrainRecord: Codable, RoundRecord {
    var kind: ReplicaRecord.Kind
    /// Parameters that the shard started from, or looked at.
    var base: SHA256Digest
    /// Images that were learnt from in one epoch.
    var images = 0
    var bags = 0
    var teacherLoss = 0.0
    var studentLoss = 0.0
    /// Images that could not be read.
    var unreadable = 0
    /// Of validation bags: label, then the probabilities of attention, DSMIL, and the student's maximum.
    var scores: [Score] = []

    var loss: Double { teacherLoss + studentLoss }

    struct Score: Codable {
        var label: Int
        var attention: Float
        var dsmil: Float
        var student: Float
    }
}
