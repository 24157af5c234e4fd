import Digest
import Foundation
import NeuralNetwork

/// A training by rounds of parameter averaging over logical replicas: plan, map and reduce, the same for all trainers.
///
/// Replica k of round r is a shard: it starts from the round's parameters, trains over its own examples with a seed made of
/// job, step, round and replica, and returns its delta. So the outcome depends neither on how many workers there are nor on
/// what happens to them. Beside the replicas, validation shards look at the round's starting parameters; one round more
/// than the settings' `rounds` looks at the last model.
struct AveragedTraining<Kind: Trainer>: AveragedWork {
    let trainer: Kind

    init(_ trainer: Kind) { self.trainer = trainer }

    func validate(_ settings: StageSettings) throws { _ = try trainer.settings(settings) }

    func missingReplicas(_ settings: StageSettings) throws -> MissingReplicas {
        try trainer.settings(settings).missingReplicas
    }

    /// The last one only validates.
    func roundCount(_ settings: StageSettings) throws -> Int { try trainer.settings(settings).rounds + 1 }

    func plan(round: Int, settings: StageSettings, view: any PlanningView) throws -> [ShardPlan] {
        let settings = try trainer.settings(settings)
        let rounds = rounds(settings)
        let base = try rounds.base(round: round, view: view) {
            try trainer.startingParameters(
                settings, seed: Seed(view.seed).derived(view.step.name, "initial").value, view: view)
        }
        let replicas = round < settings.rounds ? try trainer.replicas(settings, view: view) : []
        let shards =
            try replicas.map { try shard(.train, $0.key, $0.examples, base: base, settings: settings, view: view) }
            + trainer.validation(settings, view: view)
            .map { try shard(.validate, $0.key, $0.examples, base: base, settings: settings, view: view) }
        return try rounds.keepingBest(shards, round: round, view: view)
    }

    private func rounds(_ settings: Kind.Settings) -> AveragedRounds {
        AveragedRounds(
            stage: trainer.stage, rounds: settings.rounds, averaging: settings.averaging,
            selection: settings.select == .best ? trainer.selection : nil)
    }

    private func shard(
        _ kind: ReplicaRecord.Kind, _ key: String, _ examples: Kind.Examples, base: SHA256Digest, settings: Kind.Settings,
        view: any PlanningView
    ) throws -> ShardPlan {
        let items = try view.store(try StageCoding.encode(examples))
        return ShardPlan(
            key: key, centre: examples.centre,
            input: try StageCoding.encode(
                TrainingShard(kind: kind, centre: examples.centre, base: base, items: items, settings: settings)),
            blobs: [base, items] + examples.contents, needsUniformSetup: kind == .train)
    }

    func map(_ shard: ShardInput, context: any MapContext) throws -> ShardOutput {
        let input = try StageCoding.decode(
            TrainingShard<Kind.Settings>.self, from: shard.input, of: "the \(trainer.stage) shard \(shard.key)")
        let examples = try StageCoding.decode(
            Kind.Examples.self, from: try context.content(input.items), of: "the examples of \(shard.key)")
        ComputeThreads.set(1)
        return try StageError.naming("shard \(shard.key)", notFinite: .numeric) {
            let base = try ParameterSet(decoding: try context.content(input.base))
            let task = TrainingTask(
                settings: input.settings, centre: input.centre, round: shard.round, base: base, baseDigest: input.base,
                seed: Seed(shard.seed).derived(shard.step, "\(shard.round)", shard.key), context: context)
            var record = Kind.Record(kind: input.kind, base: input.base)
            var blobs: [Data] = []
            let failed: [ResultRow.ItemRow]
            switch input.kind {
            case .train:
                let trained = try trainer.train(on: examples, task, record: &record)
                blobs = [try trained.parameters.delta(from: base).encoded()]
                failed = trained.failed
            case .validate:
                failed = try trainer.validate(on: examples, task, record: &record)
            }
            record.unreadable = failed.count
            return ShardOutput(
                rows: failed.map(ResultRow.item), record: try StageCoding.encode(record), blobs: blobs)
        }
    }

    func reduce(
        round: Int, records: [ShardRecord], settings: StageSettings, view: any PlanningView
    ) throws -> RoundOutcome {
        let settings = try trainer.settings(settings)
        var outcome = try rounds(settings).reduce(round: round, records: records, view: view) { (records: [Kind.Record]) in
            try trainer.metrics(of: records, round: round, settings: settings, view: view)
        }
        if round == settings.rounds { outcome.warnings += trainer.warnings(of: outcome.metrics) }
        if round == settings.rounds, let model = outcome.model {
            outcome.model = try StageError.naming {
                try trainer.finished(ParameterSet(decoding: model), settings, view: view).encoded()
            }
        }
        return outcome
    }
}
