import Archives
import Digest
import Evaluation
import Foundation
import Imaging
import Models
import NeuralNetwork

/// ToCo as a trainer: single images that MIL labelled; a vision transformer.
struct ToCoTraining: Trainer {
    let stage = "toco-train"
    let selection = "validationAUC"

    func settings(_ given: StageSettings) throws -> ToCoTrainSettings { try ToCoTrainSettings(given, stage: stage) }

    func startingParameters(_ settings: ToCoTrainSettings, seed: UInt64) throws -> ParameterSet {
        let network = try ToCoNetwork(settings.configuration, seed: seed)
        if let path = settings.initialCheckpoint {
            let tensors = try NetworkFile.load(PublishedWeights.file(path)).checkpoint.tensors
            let isWhole = tensors.names.contains { $0.hasPrefix("encoder.") }
            if isWhole { try network.loadCheckpoint(tensors) } else { try network.encoder.loadPretrained(tensors) }
        }
        return try network.parameters()
    }

    func replicas(_ settings: ToCoTrainSettings, view: any PlanningView) throws -> [(key: String, examples: ItemList)] {
        let lists = try ImageLabels.byCentre(
            split: "train", threshold: settings.positiveThreshold, negativeShare: settings.negativeShare, view: view,
            stage: stage)
        let labels = Set(lists.flatMap { $0.items.compactMap(\.label) })
        guard labels.count == 2 else {
            throw StageError(
                .missingInput,
                "training needs images with and without a polyp; of split train \(lists.reduce(0) { $0 + $1.items.count }) "
                    + "have a label, all alike: lower positiveThreshold (\(settings.positiveThreshold)), or train mil-train longer")
        }
        return ItemList.replicas(lists, total: settings.replicas).map { ($0.key, $0.list) }
    }

    /// Each image with its study's label.
    func validation(_ settings: ToCoTrainSettings, view: any PlanningView) throws -> [(key: String, examples: ItemList)] {
        try TrainingBags.byCentre(split: "val", maxImages: .max, minimumImages: 1, view: view).flatMap { list in
            StudyChunks.parts(list.bags, of: settings.validationStudiesPerShard).map { number, part in
                let items = part.flatMap { bag in
                    bag.images.map { ItemList.Item(study: bag.study, image: $0, label: bag.label) }
                }
                return ("validate/\(list.centre)/\(number)", ItemList(centre: list.centre, items: items))
            }
        }
    }

    func train(
        on examples: ItemList, _ task: TrainingTask<ToCoTrainSettings>, record: inout ReplicaRecord
    ) throws -> (parameters: ParameterSet, failed: [ResultRow.ItemRow]) {
        let network = try ToCoNetwork(task.settings.configuration, seed: nil)
        try network.load(task.base)
        var data = try images(task, side: task.settings.keptSide, change: task.settings.change)
        var training = ToCoReplica(settings: task.settings, round: task.round, seed: task.seed, context: task.context)
        try training.run(examples, network: network, data: &data)
        record.images = training.imageCount
        record.loss = training.loss.value
        return (try network.parameters(), data.failedItems)
    }

    func validate(
        on examples: ItemList, _ task: TrainingTask<ToCoTrainSettings>, record: inout ReplicaRecord
    ) throws -> [ResultRow.ItemRow] {
        let settings = task.settings
        var data = try images(task, side: settings.imageSize, change: .none)
        let localiser = try task.context.shared("toco/\(task.baseDigest.hex)/\(settings.precision)/validation") {
            try ToCoLocaliser(
                task.base, configuration: settings.configuration, normalisation: settings.normalisation,
                precision: settings.precision.precision)
        }
        var highest: [String: ReplicaRecord.Score] = [:]
        for (position, item) in examples.items.enumerated() {
            try task.context.checkCancellation()
            task.context.progress(done: position + 1, of: examples.items.count)
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
        return data.failedItems
    }

    private func images(
        _ task: TrainingTask<ToCoTrainSettings>, side: Int, change: BagImages.Change
    ) throws -> BagImages {
        BagImages(
            centre: task.centre, index: try task.context.index(ofCentre: task.centre),
            images: StudyImages(side: side, keptIn: try task.context.imageStore(), limit: task.settings.imageCacheBytes),
            normalisation: task.settings.normalisation, change: change)
    }

    func metrics(of records: [ReplicaRecord], round: Int, settings: ToCoTrainSettings) throws -> [String: Double] {
        var metrics = round == 0 ? TrainedToCo.metrics(of: settings) : [:]
        let scores = records.filter { $0.kind == .validate }.flatMap(\.scores)
        metrics["validationBags"] = Double(scores.count)
        do {
            metrics["validationAUC"] = try ROCCurve.area(scores: scores.map(\.score), isPositive: scores.map(\.isPositive))
        } catch let error as EvaluationError {
            throw StageError(.numeric, "\(error)")
        }
        return metrics
    }
}
