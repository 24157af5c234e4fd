import Digest
import Evaluation
import Foundation
import Imaging
import Models
import NeuralNetwork

/// Images of one centre with the class of their study, and the colours in which the encoder reads them.
struct BiopsyExamples: CentreExamples {
    var list: ItemList
    var colours: ColourNormalisation

    var centre: String { list.centre }
    var contents: [SHA256Digest] { [] }
}

/// Optical biopsy as a trainer: images with the pathology of their study (docs/Method.md, section 7).
struct BiopsyTraining: Trainer {
    let stage = "biopsy-train"
    let selection = "validationAUC"

    func settings(_ given: StageSettings) throws -> BiopsyTrainSettings { try BiopsyTrainSettings(given, stage: stage) }

    /// Without earlier steps there is nothing to start from but a file or the seed.
    func startingParameters(_ settings: BiopsyTrainSettings, seed: UInt64) throws -> ParameterSet {
        let network = try BiopsyNetwork(settings.encoder ?? .resNet18, seed: seed)
        if let path = settings.initialCheckpoint {
            let set = try NetworkFile.load(PublishedWeights.file(path)).checkpoint.tensors
            if EncoderKind(ofBiopsy: set.shapes) != nil {
                try network.load(set)
            } else {
                let own = set.names.contains { $0.hasPrefix("student.") } ? try set.below("encoder.") : set
                try network.encoder.load(network.kind.tensors(of: own))
            }
        }
        return try network.parameters()
    }

    func startingParameters(_ settings: BiopsyTrainSettings, seed: UInt64, view: any PlanningView) throws -> ParameterSet {
        guard settings.start == .mil else { return try startingParameters(settings, seed: seed) }
        let model = try ParameterSet(decoding: try view.content(try view.trainedNetwork(for: stage).parameters))
        let network = try BiopsyNetwork(try MILConfiguration(of: model).encoder, seed: seed)
        try network.encoder.load(model.below("encoder."))
        return try network.parameters()
    }

    func replicas(_ settings: BiopsyTrainSettings, view: any PlanningView) throws -> [(key: String, examples: BiopsyExamples)] {
        let all = try studies(settings, split: "train", view: view)
        let drawn = BiopsyStudies.drawn(all, fraction: settings.fraction, draw: settings.draw, seed: view.seed)
        guard Set(drawn.map(\.label)).count == BiopsyHead.classCount else {
            throw StageError(
                .missingInput,
                "stage \(stage): optical biopsy needs studies of split train with pathology of both classes; there are "
                    + "\(drawn.count) with one, all alike: see `pathology` in the centres' tables (docs/Archives.md)")
        }
        let colours = try colours(settings, view: view)
        return ItemList.replicas(BiopsyStudies.lists(drawn), total: settings.replicas)
            .map { ($0.key, BiopsyExamples(list: $0.list, colours: colours)) }
    }

    func validation(_ settings: BiopsyTrainSettings, view: any PlanningView) throws -> [(key: String, examples: BiopsyExamples)] {
        let colours = try colours(settings, view: view)
        let byCentre = Dictionary(grouping: try studies(settings, split: "val", view: view), by: \.centre)
        return byCentre.sorted { $0.key < $1.key }.flatMap { centre, studies in
            StudyChunks.parts(studies, of: settings.validationStudiesPerShard).flatMap { number, part in
                BiopsyStudies.lists(part).map { ("validate/\(centre)/\(number)", BiopsyExamples(list: $0, colours: colours)) }
            }
        }
    }

    private func studies(_ settings: BiopsyTrainSettings, split: String, view: any PlanningView) throws -> [BiopsyStudies.Study] {
        try BiopsyStudies(
            settings.images, perStudy: settings.imagesPerStudy, minimumScore: settings.minimumScore, view: view
        ).labelled(split: split, stage: stage)
    }

    /// The colours in which the encoder reads images.
    private func colours(_ settings: BiopsyTrainSettings, view: any PlanningView) throws -> ColourNormalisation {
        if let mean = settings.mean, let deviation = settings.deviation {
            return try ColourNormalisation(mean: mean, deviation: deviation)
        }
        switch settings.start {
        case .mil:
            let model = try TrainedModel(view: view, stage: stage, weights: nil, imageSize: nil)
            return try ColourNormalisation(mean: model.mean, deviation: model.deviation)
        case .file: return (settings.encoder ?? .resNet18).publishedColours
        case .random: return try ColourNormalisation(mean: [0.47384, 0.30310, 0.20231], deviation: [0.27689, 0.20880, 0.16107])
        }
    }

    func train(
        on examples: BiopsyExamples, _ task: TrainingTask<BiopsyTrainSettings>, record: inout ReplicaRecord
    ) throws -> (parameters: ParameterSet, failed: [ResultRow.ItemRow]) {
        var data = try images(examples, task.settings, change: task.settings.change, context: task.context)
        let items = data.usable(examples.list.items)
        // Batch normalisation needs two images; such a replica leaves the parameters as they are and weighs nothing.
        guard items.count >= 2 else { return (task.base, data.failedItems) }
        let network = try BiopsyNetwork(try BiopsyNetwork.kind(of: task.base), seed: nil)
        try network.load(task.base)
        var replica = try BiopsyReplica(task, network: network)
        try replica.run(items, data: &data)
        record.images = items.count
        record.loss = replica.loss.value
        return (try network.parameters(), data.failedItems)
    }

    func validate(
        on examples: BiopsyExamples, _ task: TrainingTask<BiopsyTrainSettings>, record: inout ReplicaRecord
    ) throws -> [ResultRow.ItemRow] {
        let settings = task.settings
        let classifier = try BiopsyClassifier(
            task.base, try BiopsyNetwork.kind(of: task.base), normalisation: examples.colours,
            precision: settings.precision.precision)
        var data = try images(examples, settings, change: .none, context: task.context)
        let byStudy = Dictionary(grouping: examples.list.items, by: \.study).sorted { $0.key < $1.key }
        for (position, (study, all)) in byStudy.enumerated() {
            try task.context.checkCancellation()
            let (items, bytes) = data.pictures(all)
            guard !items.isEmpty else { continue }
            let seen = try classifier.probabilities(rgb: bytes, count: items.count, side: settings.imageSize)
            guard seen.allSatisfy(\.isFinite) else {
                throw StageError(.numeric, "study \(study) has a probability that is no number: training has diverged")
            }
            record.images += items.count
            record.scores.append(.init(score: seen.reduce(0, +) / Double(seen.count), isPositive: items[0].label == 1))
            task.context.progress(done: position + 1, of: byStudy.count)
        }
        return data.failedItems
    }

    private func images(
        _ examples: BiopsyExamples, _ settings: BiopsyTrainSettings, change: BagImages.Change, context: any MapContext
    ) throws -> BiopsyImages {
        try BiopsyImages(
            centre: examples.centre, side: settings.imageSize, normalisation: examples.colours, choice: settings.images,
            perStudy: settings.imagesPerStudy, change: change, cacheBytes: settings.imageCacheBytes, context: context)
    }

    func metrics(of records: [ReplicaRecord], round: Int, settings: BiopsyTrainSettings) throws -> [String: Double] {
        let scores = records.flatMap(\.scores)
        guard scores.contains(where: \.isPositive), scores.contains(where: { !$0.isPositive }) else { return [:] }
        var metrics = ["validationStudies": Double(scores.count)]
        metrics["validationAUC"] = try ROCCurve.area(scores: scores.map(\.score), isPositive: scores.map(\.isPositive))
        return metrics
    }

    /// Later steps read the network's input as they do a MIL network's.
    func metrics(
        of records: [ReplicaRecord], round: Int, settings: BiopsyTrainSettings, view: any PlanningView
    ) throws -> [String: Double] {
        let metrics = try metrics(of: records, round: round, settings: settings)
        guard round == 0 else { return metrics }
        return try metrics.merging(TrainedModel.metrics(side: settings.imageSize, colours: colours(settings, view: view))) { first, _ in
            first
        }
    }
}

extension BiopsyNetwork {
    /// - Throws: `StageError.parameters` where the parameters are no biopsy network's.
    static func kind(of set: ParameterSet) throws -> EncoderKind {
        guard let kind = EncoderKind(ofBiopsy: set.shapes) else {
            throw StageError(.parameters, "the parameters are no biopsy network's, or its encoder is none that is known here")
        }
        return kind
    }
}
