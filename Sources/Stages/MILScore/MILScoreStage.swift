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
        let studies = try view.studies().filter { settings.splits.contains($0.split) && !$0.images.isEmpty }
        return try StudyChunks.plan(studies, perShard: settings.studiesPerShard) { centre, part in
            try StageCoding.encode(
                Input(
                    centre: centre, bags: part.map { .init(study: $0.study, images: $0.images) }, model: model,
                    calibration: calibration, settings: settings))
        }.map { shard in
            var shard = shard
            shard.blobs = [model.parameters] + (calibration.map { [$0] } ?? [])
            shard.model = model.parameters
            return shard
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
            rows += try score(bag, scorer: scorer, reader: reader, index: index, record: &record)
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
        guard !names.isEmpty else { return rows }
        let seen: MILScores
        do {
            seen = try scorer.score(rgb: bytes, count: names.count, height: reader.side, width: reader.side)
        } catch let error as EngineError {
            throw StageError(error.isOfTheMachine ? .machine : .numeric, "study \(bag.study): \(error.message)")
        }
        let scores = BagScores(centre: centre, study: bag.study, images: names, seen: seen)
        rows += scores.rows
        record.studies += 1
        record.images += names.count - scores.refusedCount
        record.failedImages += scores.refusedCount
        return rows
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
