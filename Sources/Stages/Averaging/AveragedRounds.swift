import Digest
import Foundation
import NeuralNetwork

/// The rounds of a stage that averages parameters over logical replicas, whatever it trains.
///
/// A round's shards are replicas, keyed `train/…`, and validation shards that look at the round's starting parameters;
/// one round more than asked for validates the last model.
struct AveragedRounds {
    let stage: String
    let rounds: Int
    let averaging: MILTrainSettings.Averaging
    /// The number of a round by which the best model is chosen, higher being better; nil: the last model is kept.
    let selection: String?

    /// The parameters with which a round starts: the last round's, or those of `make`.
    func base(round: Int, view: any PlanningView, make: () throws -> ParameterSet) throws -> SHA256Digest {
        if let model = try view.model(ofStep: view.step.name, startingRound: round) { return model }
        guard round == 0 else {
            throw StageError(.missingInput, "round \(round) of \(stage) has no parameters to start from")
        }
        return try StageError.naming { try view.store(try make().encoded()) }
    }

    /// Averages a round's replicas, chooses among models, and tells the round's numbers.
    /// - Parameter metrics: of the round's validation shards.
    func reduce(
        round: Int, records: [ShardRecord], view: any PlanningView,
        metrics measure: ([ReplicaRecord]) throws -> [String: Double]
    ) throws -> RoundOutcome {
        let decoded = try records.map { shard in
            (
                shard: shard,
                record: try shard.decoded(as: ReplicaRecord.self)
            )
        }
        // Without validation studies the closing round has no shards: the model stands as the last round left it.
        let handedOn = try view.model(ofStep: view.step.name, startingRound: round)
        guard let base = decoded.lazy.compactMap(\.record?.base).first ?? (records.isEmpty ? handedOn : nil) else {
            throw StageError(.missingInput, "no shard of round \(round) came through: see the quarantined shards")
        }
        let validations = decoded.compactMap(\.record).filter { $0.kind == .validate }
        var metrics = try measure(validations)
        let replicas = decoded.compactMap(\.record).filter { $0.kind == .train }
        let images = replicas.reduce(0) { $0 + $1.images }
        if images > 0 {
            metrics["loss"] = replicas.reduce(0) { $0 + $1.loss * Double($1.images) } / Double(images)
            metrics["images"] = Double(images)
        }
        metrics["unreadableImages"] = Double(decoded.reduce(0) { $0 + ($1.record?.unreadable ?? 0) })
        let baseData = try view.content(base)
        var state = try view.state(ofStep: view.step.name, startingRound: round).map { try MILTrainState(decoding: view.content($0)) }
            ?? MILTrainState()
        if let selection, let value = metrics[selection], value > state.bestArea ?? -1 {
            (state.bestArea, state.bestRound, state.best) = (value, round, baseData)
        }
        guard round < rounds else {
            if let best = state.best {
                metrics["selectedRound"] = Double(state.bestRound ?? round)
                return RoundOutcome(model: best, metrics: metrics)
            }
            return RoundOutcome(model: baseData, metrics: metrics)
        }
        let parts = decoded.compactMap { shard, record in
            record.flatMap { record in
                // A centre without masks sends a delta of nothing, which has no weight.
                record.kind == .train && record.images > 0 ? ReplicaAverage.Part(shard: shard, samples: record.images, base: record.base) : nil
            }
        }
        guard !parts.isEmpty || replicas.isEmpty else {
            throw StageError(
                .missingInput,
                "stage \(stage), round \(round): no replica had anything to learn from; each needs two images with a label or a mask")
        }
        return try StageError.naming("round \(round)", notFinite: .numeric) {
            let outcome = try ReplicaAverage.apply(
                parts, to: ParameterSet(decoding: baseData), averaging: averaging, momentum: state.momentum, view: view)
            guard outcome.meanDeltaNorm > 0 else {
                throw StageError(.numeric, "round \(round): no parameter moved; is the learning rate too small?")
            }
            state.momentum = outcome.momentum?.encoded()
            metrics["deltaNorm"] = outcome.meanDeltaNorm
            let contributions = decoded.filter { $0.shard.key.hasPrefix("train/") }.sorted { $0.shard.key < $1.shard.key }
                .map { shard, record in
                    RoundOutcome.Contribution(
                        shardKey: shard.key, centre: shard.centre, samples: record?.images ?? 0,
                        weight: Double(record?.images ?? 0) / Double(max(1, images)), loss: record?.loss,
                        rejection: record == nil ? "quarantined" : nil)
                }
            return RoundOutcome(
                model: outcome.parameters.encoded(), state: state.isEmpty ? nil : try state.encoded(), metrics: metrics,
                contributions: contributions)
        }
    }
}

/// The weighted average of a round's deltas.
enum ReplicaAverage {
    /// A replica that came through.
    struct Part {
        var shard: ShardRecord
        var samples: Int
        var base: SHA256Digest
    }

    static func apply(
        _ parts: [Part], to base: ParameterSet, averaging: MILTrainSettings.Averaging, momentum: Data?,
        view: any PlanningView
    ) throws -> ParameterAverage.Outcome {
        var contributions: [ParameterContribution] = []
        for part in parts {
            guard let blob = part.shard.blobs.first else { continue }
            // Deltas are decoded here, one after the other: the view is not for other threads.
            let delta = try ParameterSet(decoding: try view.content(blob))
            contributions.append(
                ParameterContribution(replica: part.shard.key, sampleCount: part.samples, base: part.base, delta: delta))
        }
        guard !contributions.isEmpty else {
            throw StageError(.missingInput, "no replica of the round came through: see the quarantined shards")
        }
        let rule: ParameterAverage.Rule =
            switch averaging {
            case .fedavg, .diloco: .weightedMean
            case .median: .median
            case .trimmed: .trimmedMean(fraction: 0.1)
            }
        let average = ParameterAverage(rule: rule, outerOptimiser: averaging == .diloco ? .diLoCo : .none)
        return try average.apply(contributions, to: base, momentum: try momentum.map { try ParameterSet(decoding: $0) })
    }
}
