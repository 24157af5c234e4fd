import Digest

/// What `reduce` is told of a shard of `mil-train`.
struct MILTrainRecord: RoundRecord {
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

    init(kind: ReplicaRecord.Kind, base: SHA256Digest) { (self.kind, self.base) = (kind, base) }

    struct Score: Codable {
        var label: Int
        var attention: Float
        var dsmil: Float
        var student: Float
    }
}
