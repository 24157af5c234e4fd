import Digest
import Foundation
import Models
import NeuralNetwork

/// Optical biopsy of studies: how likely what their images show is neoplastic (docs/Method.md, section 7).
///
/// Rows: `imageScore` of head biopsy for each image that was looked at, `bagScore` of the same head, their mean. The round
/// tells how many studies came out as neoplastic, as non-neoplastic, and how many were left open. Settings: `BiopsySettings`.
public struct BiopsyStage: Stage {
    public let name = "biopsy"
    public let products = [Product(.scores, Self.head)]
    /// By which rows and evaluation know its scores.
    static let head = "biopsy"

    public init() {}

    struct Input: Codable {
        struct Study: Codable {
            var study: String
            var images: [String]
        }

        var centre: String
        var studies: [Study]
        var model: TrainedModel
        var settings: BiopsySettings
    }

    struct Record: Codable {
        var studies = 0
        var images = 0
        var failedImages = 0
        var neoplastic = 0
        var nonNeoplastic = 0
        var open = 0
        var parameters: SHA256Digest?
    }

    public func validate(settings: StageSettings) throws { _ = try BiopsySettings(settings, stage: name) }

    public func needs(settings: StageSettings) throws -> [StageNeed] {
        let settings = try BiopsySettings(settings, stage: name)
        return [.studies] + settings.studies.needs + settings.images.needs
            + StageNeed.network(BiopsyTrainStage.family, unless: settings.weights)
    }

    public func checkFiles(settings: StageSettings) throws {
        let settings = try BiopsySettings(settings, stage: name)
        try WeightsFile.look(
            at: settings.weights, for: .biopsy, size: (settings.imageSize, BiopsyTrainSettings().imageSize), stage: name)
    }

    public func plan(round: Int, settings: StageSettings, view: any PlanningView) throws -> [ShardPlan] {
        let settings = try BiopsySettings(settings, stage: name)
        let model = try TrainedModel(
            view: view, stage: name, weights: settings.weights, imageSize: settings.imageSize, size: BiopsyTrainSettings().imageSize
        ) { try $0.biopsy() }
        let studies = try StudyChoice(splits: settings.splits, studies: settings.studies, view: view).studies
        let chosen = try BiopsyStudies(
            settings.images, perStudy: settings.imagesPerStudy, minimumScore: settings.minimumScore, view: view
        ).chosen(studies, stage: name)
        let wanted = studies.filter { !(chosen[[$0.centre, $0.study]] ?? []).isEmpty }
        return try StudyChunks.plan(wanted, perShard: settings.studiesPerShard) { centre, part in
            let list = part.map { Input.Study(study: $0.study, images: chosen[[centre, $0.study]] ?? []) }
            return ShardPlan(
                key: "", centre: centre,
                input: try StageCoding.encode(Input(centre: centre, studies: list, model: model, settings: settings)),
                blobs: [model.parameters], model: model.parameters)
        }
    }

    public func map(_ shard: ShardInput, context: any MapContext) throws -> ShardOutput {
        let input = try StageCoding.decode(Input.self, from: shard.input, of: "the biopsy shard \(shard.key)")
        let (settings, centre) = (input.settings, input.centre)
        ComputeThreads.set(1)
        return try StageError.naming("shard \(shard.key)", notFinite: .numeric) {
            let colours = try ColourNormalisation(mean: input.model.mean, deviation: input.model.deviation)
            let classifier = try context.shared("biopsy/\(input.model.parameters.hex)/\(settings.precision)/\(colours)") {
                let set = try ParameterSet(decoding: try context.content(input.model.parameters)).sound()
                return try BiopsyClassifier(
                    set, try BiopsyNetwork.kind(of: set), normalisation: colours, precision: settings.precision.precision)
            }
            var data = try BiopsyImages(
                centre: centre, side: input.model.imageSize, normalisation: colours, choice: settings.images,
                perStudy: settings.imagesPerStudy, change: .none, cacheBytes: nil, context: context)
            var (rows, record): ([ResultRow], Record) = ([], Record(parameters: input.model.parameters))
            for (position, study) in input.studies.enumerated() {
                try context.checkCancellation()
                let (items, bytes) = data.pictures(study.images.map { ItemList.Item(study: study.study, image: $0) })
                let seen = try classifier.probabilities(rgb: bytes, count: items.count, side: input.model.imageSize)
                context.progress(done: position + 1, of: input.studies.count)
                guard !seen.isEmpty else { continue }
                guard seen.allSatisfy(\.isFinite) else {
                    throw StageError(.numeric, "study \(study.study): a probability is no number; look at its images, then at the model")
                }
                let probability = seen.reduce(0, +) / Double(seen.count)
                for (item, score) in zip(items, seen) {
                    rows.append(.imageScore(.init(centre: centre, study: study.study, image: item.image, head: Self.head, score: score)))
                }
                rows.append(.bagScore(.init(centre: centre, study: study.study, head: Self.head, probability: probability)))
                record.studies += 1
                record.images += items.count
                switch probability {
                case settings.confidence...: record.neoplastic += 1
                case ...(1 - settings.confidence): record.nonNeoplastic += 1
                default: record.open += 1
                }
            }
            record.failedImages = data.failedItems.count
            return ShardOutput(rows: rows + data.failedItems.map(ResultRow.item), record: try StageCoding.encode(record))
        }
    }

    public func reduce(
        round: Int, records: [ShardRecord], settings: StageSettings, view: any PlanningView
    ) throws -> RoundOutcome {
        let parts = try records.decoded(as: Record.self)
        try view.requireOneModel(parts.map(\.parameters))
        func sum(_ field: (Record) -> Int) -> Double { Double(parts.reduce(0) { $0 + field($1) }) }
        return RoundOutcome(metrics: [
            "studies": sum(\.studies), "images": sum(\.images), "failedImages": sum(\.failedImages),
            "neoplastic": sum(\.neoplastic), "nonNeoplastic": sum(\.nonNeoplastic), "open": sum(\.open),
            "confidence": try BiopsySettings(settings, stage: name).confidence,
        ])
    }
}
