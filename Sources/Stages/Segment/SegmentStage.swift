import Archives
import Digest
import Foundation
import Imaging
import Models
import NeuralNetwork

/// Draws masks with the network that `segment-train` left, or a file's (METHOD.md, section 5): for each image a map
/// of its prediction, stretched to 0…1, and its foreground, in the image's own pixels.
///
/// Rows: `mask` of kinds segment and segment-mask. Pictures of frames: segment-overlay. Settings: `SegmentSettings`.
public struct SegmentStage: Stage {
    public let name = "segment"

    public init() {}

    struct Input: Codable {
        var centre: String
        var items: [ItemList.Item]
        var model: TrainedSegmenter
        var calibration: SHA256Digest?
        var settings: SegmentSettings
    }

    struct Record: Codable {
        var images = 0
        var failedImages = 0
        var foreground = 0.0
        var parameters: SHA256Digest?
    }

    public func validate(settings: StageSettings) throws { _ = try SegmentSettings(settings, stage: name) }

    public let products = [Product(.masks, "segment-mask")]
    public let localiser: Localiser? = Localiser(
        head: "polyp-pvt", map: "segment", mask: "segment-mask", drawsBoxes: false)

    public func needs(settings: StageSettings) throws -> [StageNeed] {
        let settings = try SegmentSettings(settings, stage: name)
        return [.studies] + settings.studies.needs
            + StageNeed.network(TrainedSegmenter.family, unless: settings.weights)
    }

    public func checkFiles(settings: StageSettings) throws {
        let settings = try SegmentSettings(settings, stage: name)
        try WeightsFile.look(
            at: settings.weights, for: .polypPVT, size: (settings.imageSize, SegmentTrainSettings().imageSize), stage: name)
        try CalibrationFile.look(at: settings.calibration, stage: name)
    }

    public func plan(round: Int, settings: StageSettings, view: any PlanningView) throws -> [ShardPlan] {
        let settings = try SegmentSettings(settings, stage: name)
        let model = try TrainedSegmenter(
            view: view, stage: name, weights: settings.weights, imageSize: settings.imageSize)
        let calibration = try CalibrationFile.stored(
            settings.calibration, network: PolypPVTPredictor.calibratedNetwork, parameters: model.parameters,
            view: view,
            stage: name)
        let positive = Set(try view.reportLabels().filter { $0.polyp == "yes" }.map { "\($0.centre)/\($0.study)" })
        let studies = try view.studies().filter { study in
            settings.splits.contains(study.split)
                && (settings.studies == .all || positive.contains("\(study.centre)/\(study.study)"))
        }
        return try StudyChunks.byCentre(studies).flatMap { centre, studies in
            let items = studies.flatMap { study in study.images.map { ItemList.Item(study: study.study, image: $0) } }
            return try StudyChunks.parts(items, of: settings.imagesPerShard).map { number, part in
                ShardPlan(
                    key: "\(centre)/\(number)", centre: centre,
                    input: try StageCoding.encode(
                        Input(
                            centre: centre, items: part, model: model, calibration: calibration, settings: settings)),
                    blobs: [model.parameters] + (calibration.map { [$0] } ?? []), model: model.parameters)
            }
        }
    }

    public func map(_ shard: ShardInput, context: any MapContext) throws -> ShardOutput {
        var input = try StageCoding.decode(Input.self, from: shard.input, of: "the segment shard \(shard.key)")
        input.settings.overlays = input.settings.overlays && context.keepsPictures(in: input.settings.pictures)
        let index = try context.index(ofCentre: input.centre)
        ComputeThreads.set(1)
        let predictor = try predictor(input, context: context)
        var output = ShardOutput()
        var record = Record(parameters: input.model.parameters)
        record.failedImages = try context.forEachImage(input.items, in: index, output: &output) { item, image, output in
            record.foreground += try add(item, image: image, predictor: predictor, input: input, output: &output)
            record.images += 1
        }
        output.record = try StageCoding.encode(record)
        return output
    }

    /// The network, made once a process; its size is read off the parameters.
    private func predictor(_ input: Input, context: any MapContext) throws -> PolypPVTPredictor {
        try StageError.naming {
            let kind = "\(input.settings.precision)/\(input.calibration?.hex ?? "")"
            return try context.shared("polyp-pvt/\(input.model.parameters.hex)/\(kind)") {
                let set = try ParameterSet(decoding: try context.content(input.model.parameters)).sound()
                let size = try PVTSize(ofPolypPVT: set)
                return try PolypPVTPredictor(
                    set, size, precision: input.settings.precision.besides,
                    calibration: try context.calibration(input.calibration))
            }
        }
    }

    /// Adds an image's rows; returns the share of its pixels that are foreground.
    private func add(
        _ item: ItemList.Item, image: Image8, predictor: PolypPVTPredictor, input: Input, output: inout ShardOutput
    ) throws -> Double {
        let square = try image.resized(width: input.model.imageSize, height: input.model.imageSize, filter: .bilinear)
        let tensor = try Tensor.images(
            rgb: square.pixels, count: 1, height: square.height, width: square.width,
            normalisation: .imageNet)
        let values = try predictor(tensor, height: image.height, width: image.width).values
        guard values.allSatisfy(\.isFinite) else {
            throw EngineError(.notFinite, "its prediction holds no numbers; look at the image, then at the model")
        }
        let map = try FloatImage(width: image.width, height: image.height, values: values)
        let mask = try Mask(
            width: image.width, height: image.height, bits: values.map { $0 >= input.settings.foreground })
        try output.add(
            [("segment", try map.levels()), ("segment-mask", mask.image())], centre: input.centre, study: item.study,
            image: item.image)
        if input.settings.overlays {
            try output.addFrame(
                try image.overlaid(with: map), kind: "segment-overlay", place: input.settings.pictures,
                centre: input.centre, study: item.study, image: item.image)
        }
        return Double(values.count { $0 >= input.settings.foreground }) / Double(max(1, values.count))
    }

    public func reduce(
        round: Int, records: [ShardRecord], settings: StageSettings, view: any PlanningView
    ) throws -> RoundOutcome {
        let parts = try records.decoded(as: Record.self)
        try view.requireOneModel(parts.map(\.parameters))
        let images = parts.reduce(0) { $0 + $1.images }
        return RoundOutcome(metrics: [
            "images": Double(images), "failedImages": Double(parts.reduce(0) { $0 + $1.failedImages }),
            "meanForeground": images == 0 ? 0 : parts.reduce(0) { $0 + $1.foreground } / Double(images),
        ])
    }
}
