import Archives
import Digest
import Evaluation
import Foundation
import Imaging
import Models
import NeuralNetwork

/// Trains Polyp-PVT by rounds of parameter averaging over logical replicas (docs/Method.md, section 5).
///
/// As in `mil-train`, replica k of round r is a shard whose outcome depends on job, round and replica alone; validation
/// shards measure the round's starting parameters by their Dice. Settings: `SegmentTrainSettings`.
public struct SegmentTrainStage: Stage {
    public let name = "segment-train"

    public init() {}

    struct Input: Codable {
        var kind: ReplicaRecord.Kind
        var centre: String
        var base: SHA256Digest
        /// An `ItemList`.
        var items: SHA256Digest
        var settings: SegmentTrainSettings
    }

    public func validate(settings: StageSettings) throws { _ = try SegmentTrainSettings(settings, stage: name) }

    public let products = [Product(.network, TrainedSegmenter.family)]

    public func needs(settings: StageSettings) throws -> [StageNeed] {
        let settings = try SegmentTrainSettings(settings, stage: name)
        let masks = settings.labels.product.map { [StageNeed($0, takesAnyFamily: true, or: "learn from other `labels`")] }
        return [.studies] + (masks ?? [.labels])
    }

    public func checkFiles(settings: StageSettings) throws {
        let settings = try SegmentTrainSettings(settings, stage: name)
        try WeightsFile.look(at: settings.initialCheckpoint, for: .start(ofPolypPVT: settings.size), stage: name)
    }

    public func missingReplicas(settings: StageSettings) throws -> MissingReplicas? {
        try SegmentTrainSettings(settings, stage: name).missingReplicas
    }

    /// The last one only validates.
    public func roundCount(settings: StageSettings) throws -> Int {
        try SegmentTrainSettings(settings, stage: name).rounds + 1
    }

    private func rounds(_ settings: SegmentTrainSettings) -> AveragedRounds {
        AveragedRounds(
            stage: name, rounds: settings.rounds, averaging: settings.averaging,
            selection: settings.select == .best ? "validationDice" : nil)
    }

    public func plan(round: Int, settings: StageSettings, view: any PlanningView) throws -> [ShardPlan] {
        let settings = try SegmentTrainSettings(settings, stage: name)
        let rounds = rounds(settings)
        let base = try rounds.base(round: round, view: view) {
            try Self.startingParameters(settings, seed: Seed(view.seed).derived(view.step.name, "initial").value)
        }
        var shards: [ShardPlan] = []
        if round < settings.rounds {
            let lists = try Self.items(split: "train", settings: settings, view: view)
            guard !lists.isEmpty else {
                throw StageError(.missingInput, Self.missing(settings.labels, stage: name))
            }
            for (key, list) in ItemList.replicas(lists, total: settings.replicas) {
                shards.append(try shard(.train, key: key, list: list, base: base, settings: settings, view: view))
            }
        }
        for list in try Self.items(split: "val", settings: settings, view: view) {
            for (number, part) in StudyChunks.parts(list.items, of: settings.validationImagesPerShard) {
                shards.append(
                    try shard(
                        .validate, key: "validate/\(list.centre)/\(number)", list: ItemList(centre: list.centre, items: part),
                        base: base, settings: settings, view: view))
            }
        }
        return try rounds.keepingBest(shards, round: round, view: view)
    }

    private func shard(
        _ kind: ReplicaRecord.Kind, key: String, list: ItemList, base: SHA256Digest, settings: SegmentTrainSettings,
        view: any PlanningView
    ) throws -> ShardPlan {
        let items = try view.store(try StageCoding.encode(list))
        return ShardPlan(
            key: key, centre: list.centre,
            input: try StageCoding.encode(
                Input(kind: kind, centre: list.centre, base: base, items: items, settings: settings)),
            blobs: [base, items] + list.items.compactMap(\.mask), needsUniformSetup: kind == .train)
    }

    private static func startingParameters(_ settings: SegmentTrainSettings, seed: UInt64) throws -> ParameterSet {
        let network = try PolypPVT(settings.size, dropPath: settings.dropPath, seed: seed)
        if let path = settings.initialCheckpoint {
            let tensors = try NetworkFile.load(URL(fileURLWithPath: path)).checkpoint.tensors
            let isWhole = tensors.names.contains { $0.hasPrefix("backbone.") }
            if isWhole { try network.load(tensors) } else { try network.backbone.loadPretrained(tensors) }
        }
        return try network.parameters()
    }

    private static func missing(_ labels: SegmentTrainSettings.Source, stage: String) -> String {
        switch labels {
        case .truth: "training from truth needs studies of split train with a report that says yes: see the labels stage"
        case .camMask, .toCoMask, .samMask:
            "stage \(stage): no image of split train has a mask whose box was kept; look at the overlays of the step that drew them"
        }
    }

    /// Images with a mask, or, for truth, that may have one: the coordinator does not see the archive.
    private static func items(
        split: String, settings: SegmentTrainSettings, view: any PlanningView
    ) throws -> [ItemList] {
        switch settings.labels {
        case .truth:
            return try TrainingBags.byCentre(split: split, maxImages: .max, minimumImages: 1, view: view).map { list in
                ItemList(
                    centre: list.centre,
                    items: list.bags.filter { $0.label == 1 }.flatMap { bag in
                        bag.images.map { ItemList.Item(study: bag.study, image: $0, label: 1) }
                    })
            }.filter { !$0.items.isEmpty }
        case .camMask, .toCoMask, .samMask: return try kept(split: split, view: view)
        }
    }

    /// Images whose mask one step drew, and whose box, in that step's own rows, was kept. Where a step draws no boxes, all
    /// its masks are learnt from.
    private static func kept(
        split: String, view: any PlanningView
    ) throws -> [ItemList] {
        guard let source = view.source(.masks), let kind = source.localiser?.mask else { return [] }
        let wanted = Set(try view.studies().filter { $0.split == split }.map { "\($0.centre)/\($0.study)" })
        let kept = Set(
            try view.boxes(ofStep: source.name).filter(\.isKept).map { "\($0.centre)/\($0.study)/\($0.image)" })
        let drawsBoxes = source.products.contains { $0.kind == .boxes }
        let masks = try view.masks(ofStep: source.name).filter {
            $0.kind == kind && wanted.contains("\($0.centre)/\($0.study)")
                && (!drawsBoxes || kept.contains("\($0.centre)/\($0.study)/\($0.image)"))
        }
        return Dictionary(grouping: masks, by: \.centre).sorted { $0.key < $1.key }.map { centre, rows in
            ItemList(
                centre: centre,
                items: rows.map { ItemList.Item(study: $0.study, image: $0.image, label: 1, mask: $0.content) }
                    .sorted { ($0.study, $0.image) < ($1.study, $1.image) })
        }
    }

    public func map(_ shard: ShardInput, context: any MapContext) throws -> ShardOutput {
        let input = try StageCoding.decode(Input.self, from: shard.input, of: "the \(name) shard \(shard.key)")
        let list = try StageCoding.decode(ItemList.self, from: try context.content(input.items), of: "the items of \(shard.key)")
        ComputeThreads.set(1)
        return try StageError.naming("shard \(shard.key)", notFinite: .numeric) {
            let base = try ParameterSet(decoding: try context.content(input.base))
            var data = try SegmentImages(centre: input.centre, settings: input.settings, context: context)
            switch input.kind {
            case .train:
                let network = try PolypPVT(input.settings.size, dropPath: input.settings.dropPath, seed: 0)
                try network.load(base)
                let seed = Seed(shard.seed).derived(shard.step, "\(shard.round)", shard.key)
                var training = try SegmentReplica(
                    settings: input.settings, round: shard.round, network: network, seed: seed, context: context)
                try training.run(list, data: &data)
                let record = ReplicaRecord(
                    kind: .train, base: input.base, images: training.imageCount, loss: training.loss.value,
                    unreadable: data.failedItems.count)
                return ShardOutput(
                    rows: data.failedItems.map(ResultRow.item), record: try StageCoding.encode(record),
                    blobs: [try network.parameters().delta(from: base).encoded()])
            case .validate:
                return try validate(list, base: base, input: input, data: &data, context: context)
            }
        }
    }

    private func validate(
        _ list: ItemList, base: ParameterSet, input: Input, data: inout SegmentImages, context: any MapContext
    ) throws -> ShardOutput {
        let predictor = try context.shared("polyp-pvt/\(input.base.hex)/\(input.settings.precision)") {
            try PolypPVTPredictor(base, input.settings.size, precision: input.settings.precision.precision)
        }
        var record = ReplicaRecord(kind: .validate, base: input.base)
        for (position, item) in list.items.enumerated() {
            try context.checkCancellation()
            context.progress(done: position + 1, of: list.items.count)
            guard let pair = try data.pair(item) else { continue }
            let images = try data.tensors([pair]).images
            let seen = try predictor(images, height: data.side, width: data.side).values
            record.images += 1
            let score = BinaryMaskScore(
                prediction: seen.lazy.map { $0 >= 0.5 }, truth: pair.mask.pixels.lazy.map { $0 > 127 })
            record.sums["dice", default: 0] += score.dice
        }
        record.unreadable = data.failedItems.count
        return ShardOutput(rows: data.failedItems.map(ResultRow.item), record: try StageCoding.encode(record))
    }

    public func reduce(
        round: Int, records: [ShardRecord], settings: StageSettings, view: any PlanningView
    ) throws -> RoundOutcome {
        let settings = try SegmentTrainSettings(settings, stage: name)
        return try rounds(settings).reduce(round: round, records: records, view: view) { (records: [ReplicaRecord]) in
            let validations = records.filter { $0.kind == .validate }
            var metrics: [String: Double] = round == 0 ? ["input.size": Double(settings.imageSize)] : [:]
            let images = validations.reduce(0) { $0 + $1.images }
            if images > 0 {
                metrics["validationImages"] = Double(images)
                metrics["validationDice"] = validations.reduce(0) { $0 + ($1.sums["dice"] ?? 0) } / Double(images)
            }
            return metrics
        }
    }
}
