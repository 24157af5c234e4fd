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

    /// A round's shards, of which the first names the best model so far: what an open shard names, the ledger keeps.
    func keepingBest(_ shards: [ShardPlan], round: Int, view: any PlanningView) throws -> [ShardPlan] {
        guard selection != nil, !shards.isEmpty,
            let best = try AveragingState(startingRound: round, view: view).best,
            !shards[0].blobs.contains(best)
        else { return shards }
        var shards = shards
        shards[0].blobs.append(best)
        return shards
    }

    /// Averages a round's replicas, chooses among models, and tells the round's numbers.
    /// - Parameter measure: what the stage itself tells of the round, from the records of all its shards.
    func reduce<Record: RoundRecord>(
        round: Int, records: [ShardRecord], view: any PlanningView, metrics measure: ([Record]) throws -> [String: Double]
    ) throws -> RoundOutcome {
        let decoded = try records.map { shard in (shard: shard, record: try shard.decoded(as: Record.self)) }
        // Without validation studies the closing round has no shards: the model stands as the last round left it.
        let handedOn = try view.model(ofStep: view.step.name, startingRound: round)
        guard let base = decoded.lazy.compactMap(\.record?.base).first ?? (records.isEmpty ? handedOn : nil) else {
            throw StageError(.missingInput, "no shard of round \(round) came through: see the quarantined shards")
        }
        let told = decoded.compactMap(\.record)
        var metrics = try measure(told)
        let replicas = told.filter { $0.kind == .train }
        let images = replicas.reduce(0) { $0 + $1.images }
        if images > 0 {
            metrics["loss"] = replicas.reduce(0) { $0 + $1.loss * Double($1.images) } / Double(images)
            metrics["images"] = Double(images)
        }
        metrics["unreadableImages"] = Double(told.reduce(0) { $0 + $1.unreadable })
        var state = try AveragingState(startingRound: round, view: view)
        if let selection, let value = metrics[selection], value > state.bestArea ?? -1 {
            (state.bestArea, state.bestRound, state.best) = (value, round, base)
        }
        guard round < rounds else {
            if state.best != nil { metrics["selectedRound"] = Double(state.bestRound ?? round) }
            return RoundOutcome(model: try view.content(state.best ?? base), metrics: metrics)
        }
        let parts = decoded.compactMap { shard, record in
            record.flatMap { record in
                // A centre without masks sends a delta of nothing, which has no weight.
                record.kind == .train && record.images > 0
                    ? ReplicaAverage.Part(shard: shard, samples: record.images, base: record.base) : nil
            }
        }
        guard !parts.isEmpty || replicas.isEmpty else {
            throw StageError(
                .missingInput,
                "stage \(stage), round \(round): no replica had anything to learn from; each needs two images with a label or a mask")
        }
        return try StageError.naming("round \(round)", notFinite: .numeric) {
            let average = ReplicaAverage(averaging: averaging)
            let outcome = try average.apply(
                parts, to: ParameterSet(decoding: try view.content(base)), momentum: state.momentum, view: view)
            guard outcome.meanDeltaNorm > 0 else {
                throw StageError(.numeric, "round \(round): no parameter moved; is the learning rate too small?")
            }
            state.momentum = outcome.momentum?.encoded()
            metrics["deltaNorm"] = outcome.meanDeltaNorm
            return RoundOutcome(
                model: outcome.parameters.encoded(), state: state.isEmpty ? nil : try state.encoded(), metrics: metrics,
                contributions: Self.contributions(decoded, weights: average.weights(outcome.contributions)),
                warnings: outcome.warnings)
        }
    }

    /// Who took part, in the order in which they were folded: by key.
    private static func contributions<Record: RoundRecord>(
        _ decoded: [(shard: ShardRecord, record: Record?)], weights: [String: Double]
    ) -> [RoundOutcome.Contribution] {
        decoded.filter { $0.shard.key.hasPrefix("train/") }.sorted { $0.shard.key < $1.shard.key }.map { shard, record in
            RoundOutcome.Contribution(
                shardKey: shard.key, centre: shard.centre, samples: record?.images ?? 0, weight: weights[shard.key] ?? 0,
                loss: record?.loss, rejection: record == nil ? "quarantined" : nil)
        }
    }
}
