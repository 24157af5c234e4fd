import Archives
import Foundation
import Imaging
import Models
import NeuralNetwork

/// Multiple-instance learning as a trainer: bags with their reports' labels; three heads on one encoder.
struct MILTraining: Trainer {
    let stage = "mil-train"
    let selection = "validationAUC"

    func settings(_ given: StageSettings) throws -> MILTrainSettings { try MILTrainSettings(given, stage: stage) }

    func startingParameters(_ settings: MILTrainSettings, seed: UInt64) throws -> ParameterSet {
        let network = try MILNetwork(settings.configuration, seed: seed)
        try InitialValues.spread(network, to: settings.headDeviation)
        if let path = settings.initialCheckpoint { try InitialValues.load(path, into: network) }
        return try network.parameters()
    }

    func replicas(_ settings: MILTrainSettings, view: any PlanningView) throws -> [(key: String, examples: BagList)] {
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
        return TrainingBags.replicas(lists, total: settings.replicas).map { ($0.key, $0.list) }
    }

    func validation(_ settings: MILTrainSettings, view: any PlanningView) throws -> [(key: String, examples: BagList)] {
        try TrainingBags.byCentre(split: "val", maxImages: settings.maxImagesPerBag, minimumImages: 1, view: view)
            .flatMap { list in
                StudyChunks.parts(list.bags, of: settings.validationStudiesPerShard).map { number, part in
                    ("validate/\(list.centre)/\(number)", BagList(centre: list.centre, bags: part))
                }
            }
    }

    func train(
        on examples: BagList, _ task: TrainingTask<MILTrainSettings>, record: inout MILTrainRecord
    ) throws -> (parameters: ParameterSet, failed: [ResultRow.ItemRow]) {
        let network = try MILNetwork(task.settings.configuration, seed: 0)
        try network.load(task.base)
        let change = task.settings.augmentation.change(side: task.settings.side(inRound: task.round))
        var training = try ReplicaTraining(
            settings: task.settings, bags: examples.bags, round: task.round, network: network, seed: task.seed,
            data: try images(task, change: change), context: task.context)
        try training.run()
        let failed = training.data.failedItems
        // What could not be read was not learnt from, and weighs nothing, as with every trainer.
        record.images = training.imageCount - failed.count
        record.bags = examples.bags.count
        record.teacherLoss = training.teacherLoss.value
        record.studentLoss = training.studentLoss.value
        return (try network.parameters(), failed)
    }

    func validate(
        on examples: BagList, _ task: TrainingTask<MILTrainSettings>, record: inout MILTrainRecord
    ) throws -> [ResultRow.ItemRow] {
        var data = try images(task, change: .none)
        try MILValidation(task: task, bags: examples.bags).run(data: &data, record: &record)
        return data.failedItems
    }

    private func images(_ task: TrainingTask<MILTrainSettings>, change: BagImages.Change) throws -> BagImages {
        let settings = task.settings
        return BagImages(
            centre: task.centre, index: try task.context.index(ofCentre: task.centre),
            images: StudyImages(
                side: settings.side(inRound: task.round), isReducedDecodeAllowed: settings.isReducedDecodeAllowed,
                keptIn: try task.context.imageStore(), limit: settings.imageCacheBytes),
            change: change)
    }

    func metrics(of records: [MILTrainRecord], round: Int, settings: MILTrainSettings) throws -> [String: Double] {
        let metrics = try MILTrainMetrics(records).values
        return round == 0 ? metrics.merging(TrainedModel.metrics(of: settings)) { first, _ in first } : metrics
    }
}
