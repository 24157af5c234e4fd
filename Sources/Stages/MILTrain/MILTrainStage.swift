import Digest
import Foundation
import Models
import NeuralNetwork

/// Trains encoder, teachers and student by rounds of parameter averaging over logical replicas.
///
/// Replica k of round r is a shard: it starts from the round's parameters, trains over its own bags with a seed made of
/// job, round and replica, and returns its delta. So the outcome depends neither on how many workers there are nor on
/// what happens to them. Beside the replicas, validation shards score the round's starting parameters; one round more
/// than `rounds` looks at the last model. Settings: `MILTrainSettings`.
public struct MILTrainStage: Stage {
    public let name = "mil-train"

    public init() {}

    public func validate(settings: StageSettings) throws { _ = try MILTrainSettings(settings, stage: name) }

    public let products = [Product(.network, TrainedModel.family)]
    public func needs(settings: StageSettings) throws -> [StageNeed] { [.studies, .labels] }

    public func checkFiles(settings: StageSettings) throws {
        let settings = try MILTrainSettings(settings, stage: name)
        try WeightsFile.look(at: settings.initialCheckpoint, for: .start(ofMIL: settings.encoder), stage: name)
    }

    public func missingReplicas(settings: StageSettings) throws -> MissingReplicas? {
        try MILTrainSettings(settings, stage: name).missingReplicas
    }

    /// The last one only validates.
    public func roundCount(settings: StageSettings) throws -> Int {
        try MILTrainSettings(settings, stage: name).rounds + 1
    }

    public func plan(round: Int, settings: StageSettings, view: any PlanningView) throws -> [ShardPlan] {
        let settings = try MILTrainSettings(settings, stage: name)
        let rounds = rounds(settings)
        let base = try rounds.base(round: round, view: view) { try startingParameters(settings, view: view) }
        var shards: [ShardPlan] = []
        if round < settings.rounds {
            let lists = try TrainingBags.byCentre(
                split: "train", maxImages: settings.maxImagesPerBag, minimumImages: 2, view: view)
            let labels = Set(lists.flatMap { $0.bags.map(\.label) })
            guard labels.count == 2 else {
                throw StageError(
                    .missingInput,
                    "training needs studies of split train with a report that says yes and others with one that says no; "
                        + "there are \(lists.reduce(0) { $0 + $1.bags.count }) with a certain label, all alike: "
                        + "see the labels stage and the archive check")
            }
            for (key, list) in TrainingBags.replicas(lists, total: settings.replicas) {
                shards.append(try shard(.train, key: key, list: list, base: base, settings: settings, view: view))
            }
        }
        let validation = try TrainingBags.byCentre(
            split: "val", maxImages: settings.maxImagesPerBag, minimumImages: 1, view: view)
        for list in validation {
            for (number, part) in StudyChunks.parts(list.bags, of: settings.validationStudiesPerShard) {
                shards.append(
                    try shard(
                        .validate, key: "validate/\(list.centre)/\(number)", list: BagList(centre: list.centre, bags: part),
                        base: base, settings: settings, view: view))
            }
        }
        return try rounds.keepingBest(shards, round: round, view: view)
    }

    private func shard(
        _ kind: ReplicaRecord.Kind, key: String, list: BagList, base: SHA256Digest, settings: MILTrainSettings,
        view: any PlanningView
    ) throws -> ShardPlan {
        let bags = try view.store(try StageCoding.encode(list))
        let input = MILTrainShard(kind: kind, centre: list.centre, base: base, bags: bags, settings: settings)
        return ShardPlan(
            key: key, centre: list.centre, input: try StageCoding.encode(input), blobs: [base, bags],
            needsUniformSetup: kind == .train)
    }

    private func startingParameters(_ settings: MILTrainSettings, view: any PlanningView) throws -> ParameterSet {
        let network = try MILNetwork(settings.configuration, seed: Seed(view.seed).derived(view.step.name, "initial").value)
        try InitialValues.spread(network, to: settings.headDeviation)
        if let path = settings.initialCheckpoint { try InitialValues.load(path, into: network) }
        return try network.parameters()
    }

    public func map(_ shard: ShardInput, context: any MapContext) throws -> ShardOutput {
        let input = try StageCoding.decode(MILTrainShard.self, from: shard.input, of: "the mil-train shard \(shard.key)")
        let list = try StageCoding.decode(BagList.self, from: try context.content(input.bags), of: "the bags of \(shard.key)")
        let settings = input.settings
        let index = try context.index(ofCentre: input.centre)
        let side = settings.side(inRound: shard.round)
        let images = StudyImages(
            side: side, isReducedDecodeAllowed: settings.isReducedDecodeAllowed, keptIn: try context.imageStore(),
            limit: settings.imageCacheBytes)
        ComputeThreads.set(1)
        return try StageError.naming("shard \(shard.key)", notFinite: .numeric) {
            let base = try ParameterSet(decoding: try context.content(input.base))
            switch input.kind {
            case .train:
                let data = BagImages(
                    centre: input.centre, index: index, images: images, change: settings.augmentation.change(side: side))
                return try train(shard, input: input, list: list, base: base, data: data, context: context)
            case .validate:
                let data = BagImages(centre: input.centre, index: index, images: images)
                return try MILValidation(input: input, list: list).run(base: base, data: data, context: context)
            }
        }
    }

    private func train(
        _ shard: ShardInput, input: MILTrainShard, list: BagList, base: ParameterSet, data: BagImages,
        context: any MapContext
    ) throws -> ShardOutput {
        let seed = Seed(shard.seed).derived(shard.step, "\(shard.round)", shard.key)
        let network = try MILNetwork(input.settings.configuration, seed: 0)
        try network.load(base)
        var training = try ReplicaTraining(
            settings: input.settings, bags: list.bags, round: shard.round, network: network, seed: seed, data: data,
            context: context)
        try training.run()
        let delta = try network.parameters().delta(from: base)
        var record = MILTrainRecord(kind: .train, base: input.base)
        record.images = training.imageCount
        record.bags = list.bags.count
        record.teacherLoss = training.teacherLoss.value
        record.studentLoss = training.studentLoss.value
        let failed = training.data.failedItems
        record.unreadable = failed.count
        return ShardOutput(
            rows: failed.map(ResultRow.item), record: try StageCoding.encode(record), blobs: [delta.encoded()])
    }
}
