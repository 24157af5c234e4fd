import Digest

/// What a round's reduction is told of a shard, whatever is trained.
protocol RoundRecord: Codable {
    /// The record of a shard that has not begun.
    init(kind: ReplicaRecord.Kind, base: SHA256Digest)

    var kind: ReplicaRecord.Kind { get }
    /// Parameters that the shard started from, or looked at.
    var base: SHA256Digest { get }
    /// Images that were learnt from in one epoch (the replica's weight in the average), or looked at.
    var images: Int { get }
    /// The mean loss of a replica's steps.
    var loss: Double { get }
    /// Images that could not be read.
    var unreadable: Int { get set }
}

extension ReplicaRecord: RoundRecord {
    init(kind: Kind, base: SHA256Digest) { (self.kind, self.base) = (kind, base) }
}
