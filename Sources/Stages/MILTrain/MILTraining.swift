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

    func startingParameters(_ settings: MILTrainSettings, seed: UInt64, view: any PlanningView) throws -> ParameterSet {
        guard settings.input == .features else { return try startingParameters(settings, seed: seed) }
        let length = try FeatureSource(for: stage, view: view).length
        let network = try MILNetwork(settings.configuration(givenFeatures: length), seed: seed)
        try InitialValues.spread(network, to: settings.headDeviation)
        return try network.parameters()
    }

    /// Of heads that learnt from features, a whole network: with the encoder that made them.
    func finished(_ parameters: ParameterSet, _ settings: MILTrainSettings, view: any PlanningView) throws -> ParameterSet {
        guard settings.input == .features else { return parameters }
        let source = try FeatureSource(for: stage, view: view)
        return try MILNetwork.joined(
            heads: parameters, encoder: source.encoder(), mean: source.statistics.mean, deviation: source.statistics.deviation)
    }

    func replicas(_ settings: MILTrainSettings, view: any PlanningView) throws -> [(key: String, examples: BagList)] {
        let lists = try bags(ofSplit: "train", minimumImages: 2, settings, view: view)
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
        try bags(ofSplit: "val", minimumImages: 1, settings, view: view)
            .flatMap { list in
                StudyChunks.parts(list.bags, of: settings.validationStudiesPerShard).map { number, part in
                    ("validate/\(list.centre)/\(number)", list.with(part))
                }
            }
    }

    private func bags(
        ofSplit split: String, minimumImages: Int, _ settings: MILTrainSettings, view: any PlanningView
    ) throws -> [BagList] {
        let lists = try TrainingBags.byCentre(
            split: split, maxImages: settings.maxImagesPerBag, minimumImages: minimumImages, view: view)
        guard settings.input == .features else { return lists }
        let source = try FeatureSource(for: stage, view: view)
        return try lists.map { try source.attached(to: $0, view: view) }.filter { !$0.bags.isEmpty }
    }

    func train(
        on examples: BagList, _ task: TrainingTask<MILTrainSettings>, record: inout MILTrainRecord
    ) throws -> (parameters: ParameterSet, failed: [ResultRow.ItemRow]) {
        let network = try MILNetwork(task.settings.configuration(of: examples), seed: 0)
        try network.load(task.base)
        var training = try ReplicaTraining(
            settings: task.settings, bags: examples.bags, round: task.round, network: network, seed: task.seed,
            data: try source(of: examples, task, isTraining: true), context: task.context)
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
        var data = try source(of: examples, task, isTraining: false)
        try MILValidation(task: task, bags: examples.bags, configuration: task.settings.configuration(of: examples))
            .run(data: &data, record: &record)
        return data.failedItems
    }

    private func source(
        of examples: BagList, _ task: TrainingTask<MILTrainSettings>, isTraining: Bool
    ) throws -> any BagSource {
        let settings = task.settings
        if settings.input == .features { return try BagFeatures(examples, context: task.context) }
        return BagImages(
            centre: task.centre, index: try task.context.index(ofCentre: task.centre),
            images: StudyImages(
                side: settings.side(inRound: task.round), isReducedDecodeAllowed: settings.isReducedDecodeAllowed,
                keptIn: try task.context.imageStore(), limit: settings.imageCacheBytes),
            normalisation: try settings.normalisation(),
            change: isTraining ? settings.augmentation.change(side: settings.side(inRound: task.round)) : .none)
    }

    func warnings(of metrics: [String: Double]) -> [String] { MILTrainMetrics.warnings(of: metrics) }

    func metrics(of records: [MILTrainRecord], round: Int, settings: MILTrainSettings) throws -> [String: Double] {
        try MILTrainMetrics(records).values
    }

    func metrics(
        of records: [MILTrainRecord], round: Int, settings: MILTrainSettings, view: any PlanningView
    ) throws -> [String: Double] {
        let metrics = try metrics(of: records, round: round, settings: settings)
        guard round == 0 else { return metrics }
        let input =
            settings.input == .features
            ? try FeatureSource(for: stage, view: view).input
            : try TrainedModel.metrics(of: settings)
        return metrics.merging(input) { first, _ in first }
    }
}
