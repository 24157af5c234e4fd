import Archives
import Digest
import Foundation
import Imaging
import Models
import NeuralNetwork

/// Scores bags and images with the trained network: both teachers' verdict on each study, the student's on each image.
///
/// Rows: `bagScore` of attention, dsmil and student (the maximum over the bag); `imageScore` of student, dsmil,
/// attention (raw) and attentionWeight (its softmax over the bag). Settings: `MILScoreSettings`.
public struct MILScoreStage: Stage {
    public let name = "mil-score"

    public init() {}

    struct Input: Codable {
        struct Bag: Codable {
            var study: String
            var images: [String]
            /// What the encoder said of them before; nil: they are read.
            var features: SHA256Digest?
        }

        var centre: String
        var bags: [Bag]
        var model: TrainedModel
        var calibration: SHA256Digest?
        var settings: MILScoreSettings
    }

    struct Record: Codable {
        var studies = 0
        var images = 0
        var failedImages = 0
        var parameters: SHA256Digest?
    }

    public func validate(settings: StageSettings) throws { _ = try MILScoreSettings(settings, stage: name) }

    public let products = [Product.studentScores]

    public func needs(settings: StageSettings) throws -> [StageNeed] {
        let settings = try MILScoreSettings(settings, stage: name)
        return [.studies] + StageNeed.network(TrainedModel.family, unless: settings.weights)
            + (settings.input == .features ? [StageNeed(.features, or: "look at images (`input: \"images\"`)")] : [])
    }

    public func checkFiles(settings: StageSettings) throws {
        let settings = try MILScoreSettings(settings, stage: name)
        try WeightsFile.look(
            at: settings.weights, for: .mil, size: (settings.imageSize, MILTrainSettings().imageSize), stage: name)
        try CalibrationFile.look(at: settings.calibration, stage: name)
    }

    public func plan(round: Int, settings: StageSettings, view: any PlanningView) throws -> [ShardPlan] {
        let settings = try MILScoreSettings(settings, stage: name)
        let model = try TrainedModel(view: view, stage: name, weights: settings.weights, imageSize: settings.imageSize)
        let calibration = try CalibrationFile.stored(
            settings.calibration, network: MILScorer.calibratedNetwork, parameters: model.parameters, view: view, stage: name)
        let source = settings.input == .features ? try FeatureSource(for: name, view: view) : nil
        try source?.requireEncoder(of: model, for: name, view: view)
        let studies = try view.studies().filter {
            settings.splits.contains($0.split) && !$0.images.isEmpty
                && (source == nil || source?.content($0.centre, $0.study) != nil)
        }
        return try StudyChunks.plan(studies, perShard: settings.studiesPerShard) { centre, part in
            let bags = part.map {
                Input.Bag(study: $0.study, images: $0.images, features: source?.content(centre, $0.study))
            }
            return ShardPlan(
                key: "", centre: centre,
                input: try StageCoding.encode(
                    Input(centre: centre, bags: bags, model: model, calibration: calibration, settings: settings)),
                blobs: [model.parameters] + [calibration].compactMap { $0 } + bags.compactMap(\.features), model: model.parameters)
        }
    }

    public func map(_ shard: ShardInput, context: any MapContext) throws -> ShardOutput {
        let input = try StageCoding.decode(Input.self, from: shard.input, of: "the mil-score shard \(shard.key)")
        let index = try context.index(ofCentre: input.centre)
        ComputeThreads.set(1)
        let scorer = try input.model.scorer(
            precision: input.settings.precision, calibration: input.calibration, context: context)
        let reader = StudyImages(
            side: input.model.imageSize, isReducedDecodeAllowed: input.settings.isReducedDecodeAllowed)
        var rows: [ResultRow] = []
        var record = Record(parameters: input.model.parameters)
        for (position, bag) in input.bags.enumerated() {
            try context.checkCancellation()
            if let features = bag.features {
                let known = try StudyFeatures(decoding: try context.content(features))
                rows += try self.rows(of: bag.study, known.images, index.archive.name, record: &record) {
                    try scorer.score(features: known.values)
                }
            } else {
                rows += try score(bag, scorer: scorer, reader: reader, index: index, record: &record)
            }
            context.progress(done: position + 1, of: input.bags.count)
        }
        return ShardOutput(rows: rows, record: try StageCoding.encode(record))
    }

    private func score(
        _ bag: Input.Bag, scorer: MILScorer, reader: StudyImages, index: CentreIndex, record: inout Record
    ) throws -> [ResultRow] {
        let centre = index.archive.name
        var rows: [ResultRow] = []
        var names: [String] = []
        var bytes: [UInt8] = []
        bytes.reserveCapacity(bag.images.count * reader.side * reader.side * 3)
        for image in bag.images {
            do {
                bytes += try reader.image(image, ofStudy: bag.study, in: index).pixels
                names.append(image)
            } catch {
                rows.append(.item(.init(centre: centre, study: bag.study, image: image, unreadable: error)))
                record.failedImages += 1
            }
        }
        return try rows
            + self.rows(of: bag.study, names, centre, record: &record) {
                try scorer.score(rgb: bytes, count: names.count, height: reader.side, width: reader.side)
            }
    }

    /// What the network says of a study's images; nothing where there is none.
    private func rows(
        of study: String, _ images: [String], _ centre: String, record: inout Record, by score: () throws -> MILScores
    ) throws -> [ResultRow] {
        guard !images.isEmpty else { return [] }
        do {
            let scores = BagScores(centre: centre, study: study, images: images, seen: try score())
            record.studies += 1
            record.images += images.count - scores.refusedCount
            record.failedImages += scores.refusedCount
            return scores.rows
        } catch let error as EngineError {
            throw StageError(error.isOfTheMachine ? .machine : .numeric, "study \(study): \(error.message)")
        }
    }

    public func reduce(
        round: Int, records: [ShardRecord], settings: StageSettings, view: any PlanningView
    ) throws -> RoundOutcome {
        let parts = try records.decoded(as: Record.self)
        try view.requireOneModel(parts.map(\.parameters))
        return RoundOutcome(metrics: [
            "studies": Double(parts.reduce(0) { $0 + $1.studies }), "images": Double(parts.reduce(0) { $0 + $1.images }),
            "failedImages": Double(parts.reduce(0) { $0 + $1.failedImages }),
        ])
    }
}
