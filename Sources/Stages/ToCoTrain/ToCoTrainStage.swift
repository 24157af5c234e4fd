import Archives
import Digest
import Evaluation
import Foundation
import Imaging
import Models
import NeuralNetwork

/// Trains ToCo on labels of single images by rounds of parameter averaging over logical replicas (docs/Method.md,
/// section 3).
///
/// Labels come from `mil-score`; validation shards set the round's starting parameters against the reports of validation
/// studies: the highest probability of a study's images is its own. Settings: `ToCoTrainSettings`.
public struct ToCoTrainStage: Stage {
    public let name = "toco-train"

    public init() {}

    struct Input: Codable {
        var kind: ReplicaRecord.Kind
        var centre: String
        var base: SHA256Digest
        /// An `ItemList`; of a validation shard, with the study's label at each image.
        var items: SHA256Digest
        var settings: ToCoTrainSettings
    }

    public func validate(settings: StageSettings) throws { _ = try ToCoTrainSettings(settings, stage: name) }

    public let products = [Product(.network, TrainedToCo.family)]
    public func needs(settings: StageSettings) throws -> [StageNeed] { [.studies, .labels, StageNeed(.studentScores)] }

    public func checkFiles(settings: StageSettings) throws {
        let settings = try ToCoTrainSettings(settings, stage: name)
        try WeightsFile.look(at: settings.initialCheckpoint, for: .start(ofToCo: settings.configuration.encoder.width), stage: name)
    }

    public func missingReplicas(settings: StageSettings) throws -> MissingReplicas? {
        try ToCoTrainSettings(settings, stage: name).missingReplicas
    }

    /// The last one only validates.
    public func roundCount(settings: StageSettings) throws -> Int {
        try ToCoTrainSettings(settings, stage: name).rounds + 1
    }

    private func rounds(_ settings: ToCoTrainSettings) -> AveragedRounds {
        AveragedRounds(
            stage: name, rounds: settings.rounds, averaging: settings.averaging,
            selection: settings.select == .best ? "validationAUC" : nil)
    }

    public func plan(round: Int, settings: StageSettings, view: any PlanningView) throws -> [ShardPlan] {
        let settings = try ToCoTrainSettings(settings, stage: name)
        let rounds = rounds(settings)
        let base = try rounds.base(round: round, view: view) {
            let network = try ToCoNetwork(settings.configuration, seed: Seed(view.seed).derived(view.step.name, "initial").value)
            if let path = settings.initialCheckpoint {
                let tensors = try NetworkFile.load(URL(fileURLWithPath: path)).checkpoint.tensors
                let isWhole = tensors.names.contains { $0.hasPrefix("encoder.") }
                if isWhole { try network.loadCheckpoint(tensors) } else { try network.encoder.loadPretrained(tensors) }
            }
            return try network.parameters()
        }
        var shards: [ShardPlan] = []
        if round < settings.rounds {
            let lists = try ImageLabels.byCentre(
                split: "train", threshold: settings.positiveThreshold, negativeShare: settings.negativeShare, view: view,
                stage: name)
            let labels = Set(lists.flatMap { $0.items.compactMap(\.label) })
            guard labels.count == 2 else {
                throw StageError(
                    .missingInput,
                    "training needs images with and without a polyp; of split train \(lists.reduce(0) { $0 + $1.items.count }) "
                        + "have a label, all alike: lower positiveThreshold (\(settings.positiveThreshold)), or train mil-train longer")
            }
            for (key, list) in ItemList.replicas(lists, total: settings.replicas) {
                shards.append(try shard(.train, key: key, list: list, base: base, settings: settings, view: view))
            }
        }
        let bags = try TrainingBags.byCentre(split: "val", maxImages: .max, minimumImages: 1, view: view)
        for list in bags {
            for (number, part) in StudyChunks.parts(list.bags, of: settings.validationStudiesPerShard) {
                let items = part.flatMap { bag in
                    bag.images.map { ItemList.Item(study: bag.study, image: $0, label: bag.label) }
                }
                shards.append(
                    try shard(
                        .validate, key: "validate/\(list.centre)/\(number)",
                        list: ItemList(centre: list.centre, items: items), base: base, settings: settings, view: view))
            }
        }
        return try rounds.keepingBest(shards, round: round, view: view)
    }

    private func shard(
        _ kind: ReplicaRecord.Kind, key: String, list: ItemList, base: SHA256Digest, settings: ToCoTrainSettings,
        view: any PlanningView
    ) throws -> ShardPlan {
        let items = try view.store(try StageCoding.encode(list))
        return ShardPlan(
            key: key, centre: list.centre,
            input: try StageCoding.encode(
                Input(kind: kind, centre: list.centre, base: base, items: items, settings: settings)),
            blobs: [base, items], needsUniformSetup: kind == .train)
    }

    public func map(_ shard: ShardInput, context: any MapContext) throws -> ShardOutput {
        let input = try StageCoding.decode(Input.self, from: shard.input, of: "the \(name) shard \(shard.key)")
        let list = try StageCoding.decode(ItemList.self, from: try context.content(input.items), of: "the items of \(shard.key)")
        let settings = input.settings
        ComputeThreads.set(1)
        return try StageError.naming("shard \(shard.key)", notFinite: .numeric) {
            let base = try ParameterSet(decoding: try context.content(input.base))
            let side = input.kind == .train ? settings.keptSide : settings.imageSize
            let images = StudyImages(side: side, keptIn: try context.imageStore(), limit: settings.imageCacheBytes)
            var data = BagImages(
                centre: input.centre, index: try context.index(ofCentre: input.centre), images: images,
                change: input.kind == .train ? settings.change : .none)
            guard input.kind == .train else {
                return try validate(list, base: base, input: input, data: &data, context: context)
            }
            let network = try ToCoNetwork(settings.configuration, seed: nil)
            try network.load(base)
            let seed = Seed(shard.seed).derived(shard.step, "\(shard.round)", shard.key)
            var training = ToCoReplica(settings: settings, round: shard.round, seed: seed, context: context)
            try training.run(list, network: network, data: &data)
            let record = ReplicaRecord(
                kind: .train, base: input.base, images: training.imageCount, loss: training.loss.value,
                unreadable: data.failedItems.count)
            return ShardOutput(
                rows: data.failedItems.map(ResultRow.item), record: try StageCoding.encode(record),
                blobs: [try network.parameters().delta(from: base).encoded()])
        }
    }

    private func validate(
        _ list: ItemList, base: ParameterSet, input: Input, data: inout BagImages, context: any MapContext
    ) throws -> ShardOutput {
        let settings = input.settings
        let localiser = try context.shared("toco/\(input.base.hex)/\(settings.precision)/validation") {
            try ToCoLocaliser(
                base, configuration: settings.configuration, normalisation: settings.normalisation,
                precision: settings.precision.precision)
        }
        var record = ReplicaRecord(kind: .validate, base: input.base)
        var highest: [String: ReplicaRecord.Score] = [:]
        for (position, item) in list.items.enumerated() {
            try context.checkCancellation()
            context.progress(done: position + 1, of: list.items.count)
            guard let picture = data.picture(item.image, of: item.study) else { continue }
            let seen = Double(try localiser.probability(rgb: picture.pixels, height: picture.height, width: picture.width))
            guard seen.isFinite else {
                throw StageError(.numeric, "\(item.study)/\(item.image) has a score that is no number: training has diverged")
            }
            record.images += 1
            let before = highest[item.study]?.score ?? 0
            highest[item.study] = .init(score: max(before, seen), isPositive: item.label == 1)
        }
        record.scores = highest.sorted { $0.key < $1.key }.map(\.value)
        record.unreadable = data.failedItems.count
        return ShardOutput(rows: data.failedItems.map(ResultRow.item), record: try StageCoding.encode(record))
    }

    public func reduce(
        round: Int, records: [ShardRecord], settings: StageSettings, view: any PlanningView
    ) throws -> RoundOutcome {
        let settings = try ToCoTrainSettings(settings, stage: name)
        return try rounds(settings).reduce(round: round, records: records, view: view) { (records: [ReplicaRecord]) in
            let validations = records.filter { $0.kind == .validate }
            var metrics = round == 0 ? TrainedToCo.metrics(of: settings) : [:]
            let scores = validations.flatMap(\.scores)
            metrics["validationBags"] = Double(scores.count)
            do {
                metrics["validationAUC"] = try ROCCurve.area(
                    scores: scores.map(\.score), isPositive: scores.map(\.isPositive))
            } catch let error as EvaluationError {
                throw StageError(.numeric, "\(error)")
            }
            return metrics
        }
    }
}
