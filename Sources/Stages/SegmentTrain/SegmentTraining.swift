import Digest
import Evaluation
import Foundation
import Imaging
import Models
import NeuralNetwork

/// A segmentation network as a trainer: images with masks.
struct SegmentTraining: Trainer {
    let stage = "segment-train"
    let selection = "validationDice"

    func settings(_ given: StageSettings) throws -> SegmentTrainSettings { try SegmentTrainSettings(given, stage: stage) }

    func startingParameters(_ settings: SegmentTrainSettings, seed: UInt64) throws -> ParameterSet {
        let network = try settings.kind.network(dropPath: settings.dropPath, seed: seed)
        if let path = settings.initialCheckpoint {
            let (found, checkpoint) = try NetworkFile.load(PublishedWeights.file(path))
            if case .segmentation = found {
                try network.load(checkpoint.tensors)
            } else {
                try network.loadEncoder(checkpoint.tensors)
            }
        }
        return try network.parameters()
    }

    func replicas(_ settings: SegmentTrainSettings, view: any PlanningView) throws -> [(key: String, examples: ItemList)] {
        let lists = try MaskedImages.byCentre(split: "train", settings: settings, view: view)
        guard !lists.isEmpty else {
            throw StageError(.missingInput, MaskedImages.missing(settings.labels, stage: stage))
        }
        let negatives = try MaskedImages.negatives(beside: lists, share: settings.negativeShare, view: view)
        return ItemList.replicas(lists.map { $0.with(negatives[$0.centre] ?? []) }, total: settings.replicas).map { ($0.key, $0.list) }
    }

    func validation(_ settings: SegmentTrainSettings, view: any PlanningView) throws -> [(key: String, examples: ItemList)] {
        try MaskedImages.byCentre(split: "val", settings: settings, view: view).flatMap { list in
            StudyChunks.parts(list.items, of: settings.validationImagesPerShard).map { number, part in
                ("validate/\(list.centre)/\(number)", ItemList(centre: list.centre, items: part))
            }
        }
    }

    func train(
        on examples: ItemList, _ task: TrainingTask<SegmentTrainSettings>, record: inout ReplicaRecord
    ) throws -> (parameters: ParameterSet, failed: [ResultRow.ItemRow]) {
        let network = try task.settings.kind.network(dropPath: task.settings.dropPath, seed: nil)
        try network.load(task.base)
        var data = try SegmentImages(centre: task.centre, settings: task.settings, context: task.context)
        var training = try SegmentReplica(
            settings: task.settings, round: task.round, network: network, seed: task.seed, context: task.context)
        try training.run(examples, data: &data)
        record.images = training.imageCount
        record.loss = training.loss.value
        return (try network.parameters(), data.failedItems)
    }

    func validate(
        on examples: ItemList, _ task: TrainingTask<SegmentTrainSettings>, record: inout ReplicaRecord
    ) throws -> [ResultRow.ItemRow] {
        let settings = task.settings
        var data = try SegmentImages(centre: task.centre, settings: settings, context: task.context)
        let kind = try settings.kind
        let predictor = try task.context.shared("\(kind.name)/\(task.baseDigest.hex)/\(settings.precision)") {
            try SegmentationPredictor(task.base, kind, precision: settings.precision.precision)
        }
        for (position, item) in examples.items.enumerated() {
            try task.context.checkCancellation()
            task.context.progress(done: position + 1, of: examples.items.count)
            guard let pair = try data.pair(item) else { continue }
            let images = try data.tensors([pair]).images
            let seen = try predictor(images, height: data.side, width: data.side).values
            record.images += 1
            let score = BinaryMaskScore(
                prediction: seen.lazy.map { $0 >= 0.5 }, truth: pair.mask.pixels.lazy.map { $0 > 127 })
            record.sums["dice", default: 0] += score.dice
        }
        return data.failedItems
    }

    func metrics(of records: [ReplicaRecord], round: Int, settings: SegmentTrainSettings) throws -> [String: Double] {
        var metrics = round == 0 ? TrainedSegmenter.metrics(of: settings) : [:]
        let validations = records.filter { $0.kind == .validate }
        let images = validations.reduce(0) { $0 + $1.images }
        if images > 0 {
            metrics["validationImages"] = Double(images)
            metrics["validationDice"] = validations.reduce(0) { $0 + ($1.sums["dice"] ?? 0) } / Double(images)
        }
        return metrics
    }
}
