import Digest
import Foundation
import NeuralNetwork

/// The average of a round's deltas.
struct ReplicaAverage {
    /// A replica that came through with something learnt.
    struct Part {
        var shard: ShardRecord
        var samples: Int
        var base: SHA256Digest
    }

    let averaging: MILTrainSettings.Averaging

    /// Moves `base` by what the replicas learnt. Deltas are read when their turn comes: memory does not grow with replicas
    /// (`ParameterAverage`).
    /// - Throws: `StageError.missingInput` without replicas, `.parameters` for one that left no delta; `ParameterError`.
    func apply(
        _ parts: [Part], to base: ParameterSet, momentum: Data?, view: any PlanningView
    ) throws -> ParameterAverage.Outcome {
        guard !parts.isEmpty else {
            throw StageError(.missingInput, "no replica of the round came through: see the quarantined shards")
        }
        let contributions = try parts.map { part in
            guard let blob = part.shard.blobs.first else {
                throw StageError(.parameters, "the replica \(part.shard.key) left no delta")
            }
            return ParameterContribution(
                replica: part.shard.key, sampleCount: part.samples, base: part.base,
                delta: EncodedParameters(
                    whole: { try view.content(blob) }, part: { try view.content(blob, bytes: $0) }))
        }
        let average = ParameterAverage(rule: rule, outerOptimiser: averaging == .diloco ? .diLoCo : .none)
        return try average.apply(contributions, to: base, momentum: try momentum.map { try ParameterSet(decoding: $0) })
    }

    private var rule: ParameterAverage.Rule {
        switch averaging {
        case .fedavg, .diloco: .weightedMean
        case .median: .median
        case .trimmed: .trimmedMean(fraction: 0.1)
        }
    }

    /// What each replica that took part weighs in the average, by key: its share of the samples, or, where a robust rule
    /// looks at values alone, one vote like any other.
    func weights(_ shares: [ParameterAverage.Share]) -> [String: Double] {
        let total = Double(max(1, shares.reduce(0) { $0 + $1.sampleCount }))
        return Dictionary(
            shares.map { share in
                switch rule {
                case .weightedMean: (share.replica, Double(share.sampleCount) / total)
                case .median, .trimmedMean: (share.replica, 1 / Double(shares.count))
                }
            }, uniquingKeysWith: { first, _ in first })
    }
}
