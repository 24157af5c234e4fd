import Digest

/// What one logical replica brings to a round: how far it moved the parameters, and over how many samples.
public struct ParameterContribution {
    /// The replica's key. Unique in a round: contributions are taken in the order of its UTF-8 bytes, so that neither
    /// the order in which they arrive nor who computed them can change the result.
    public var replica: String
    /// Samples the replica trained on, below 2^29. A replica with none has no say.
    public var sampleCount: Int
    /// The digest of the parameters it started from, where it is known.
    public var base: SHA256Digest?

    /// Trained parameters less the base.
    /// Trained parameters less the base.
    public let delta: any StoredParameters

    /// - Parameter delta: trained parameters less the base; read when its turn comes, so that only one need be in memory.
    public init(replica: String, sampleCount: Int, base: SHA256Digest? = nil, delta: any StoredParameters) {
        self.replica = replica
        self.sampleCount = sampleCount
        self.base = base
        self.delta = delta
    }
}

extension ParameterSet {
    /// `self − base`, value by value: the delta of a replica that started from `base` and came to `self`.
    ///
    /// Throws `missingTensors` listing every missing, extra or misshapen tensor.
    public func delta(from base: ParameterSet) throws -> ParameterSet {
        try requireLayout(of: base, in: "the trained parameters")
        var delta = self
        for index in entries.indices {
            let start = base.entries[index].values
            delta.updateValues(at: index) { values in
                for place in values.indices { values[place] -= start[place] }
            }
        }
        return delta
    }

    /// Throws `missingTensors`, listing everything, unless names and shapes are those of `reference`.
    ///
    /// `owner` says in the message whose tensors they are: "replica 3", "file x.pth".
    public func requireLayout(of reference: ParameterSet, in owner: String) throws {
        let differences = layoutDifferences(from: reference)
        guard !differences.isEmpty else { return }
        throw ParameterError(
            .missingTensors, "\(owner): \(differences.count) tensors do not fit: " + differences.joined(separator: "; "))
    }

    /// One line for each tensor that is missing here, extra, or has another shape than in `reference`.
    public func layoutDifferences(from reference: ParameterSet) -> [String] {
        var differences = [String]()
        for entry in reference.entries {
            guard let own = self[entry.name] else {
                differences.append("\(entry.name) is missing")
                continue
            }
            if own.shape != entry.shape {
                differences.append("\(entry.name) is \(own.shape), not \(entry.shape)")
            }
        }
        for entry in entries where reference.index(of: entry.name) == nil {
            differences.append("\(entry.name) is extra")
        }
        return differences
    }
}
