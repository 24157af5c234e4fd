import Digest

/// What a round's reduction must know of a shard, whatever is trained.
protocol RoundRecord: Decodable {
    var kind: ReplicaRecord.Kind { get }
    /// Parameters that the shard started from, or looked at.
    var base: SHA256Digest { get }
    /// Images that were learnt from in one epoch (the replica's weight in the average), or looked at.
    var images: Int { get }
    /// The mean loss of a replica's steps.
    var loss: Double { get }
    /// Images that could not be read.
    var unreadable: Int { get }
}

extension ReplicaRecord: RoundRecord {}
