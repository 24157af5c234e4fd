import Digest
import NeuralNetwork

/// A shard of an averaged training as its trainer sees it.
struct TrainingTask<Settings> {
    let settings: Settings
    let centre: String
    let round: Int
    /// The round's starting parameters, and their digest.
    let base: ParameterSet
    let baseDigest: SHA256Digest
    /// Of the job, step, round and replica.
    let seed: Seed
    let context: any MapContext
}

/// A shard's input as it stands in the ledger.
struct TrainingShard<Settings: Codable>: Codable {
    var kind: ReplicaRecord.Kind
    var centre: String
    /// The round's parameters.
    var base: SHA256Digest
    /// The examples' list.
    var items: SHA256Digest
    var settings: Settings
}

extension TrainingShard {
    /// `mil-train` had a name of its own for its list, which stands in shards that were planned before.
    private enum FormerKeys: String, CodingKey { case bags }

    init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        kind = try fields.decode(ReplicaRecord.Kind.self, forKey: .kind)
        centre = try fields.decode(String.self, forKey: .centre)
        base = try fields.decode(SHA256Digest.self, forKey: .base)
        settings = try fields.decode(Settings.self, forKey: .settings)
        items =
            try fields.decodeIfPresent(SHA256Digest.self, forKey: .items)
            ?? decoder.container(keyedBy: FormerKeys.self).decode(SHA256Digest.self, forKey: .bags)
    }
}
