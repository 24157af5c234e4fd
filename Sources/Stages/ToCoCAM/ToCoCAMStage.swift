import Archives
import Digest
import Foundation
import Imaging
import Models
import NeuralNetwork

/// Where ToCo sees the polyp (METHOD.md, section 3, "Inference"): its probability for every image; for the images that
/// `cam` would map too, its multi-scale map, mask and box.
///
/// Rows: `imageScore` of head toco; `box`; `mask` of kinds toco-cam and toco-cam-mask. Pictures of frames: toco-overlay.
/// Settings: `ToCoCAMSettings`.
public struct ToCoCAMStage: Stage {
    public let name = "toco-cam"

    public init() {}

    struct Input: Codable {
        var centre: String
        /// Label 1: to be mapped; 0: to be scored only.
        var items: [ItemList.Item]
        var model: TrainedToCo
        var calibration: SHA256Digest?
        var settings: ToCoCAMSettings
    }

    struct Record: Codable {
        var images = 0
        var mapped = 0
        var kept = 0
        var rejections: [String: Int] = [:]
        var failedImages = 0
        var parameters: SHA256Digest?
    }

    public func validate(settings: StageSettings) throws { _ = try ToCoCAMSettings(settings, stage: name) }

    public let products = [Product(.scores, "toco"), Product(.boxes, "toco-cam"), Product(.masks, "toco-cam-mask")]
    public let localiser: Localiser? = Localiser(
        head: "toco", map: "toco-cam", mask: "toco-cam-mask", drawsBoxes: true)

    public func needs(settings: StageSettings) throws -> [StageNeed] {
        let settings = try ToCoCAMSettings(settings, stage: name)
        return [.studies] + settings.studies.needs
            + (settings.threshold == 0
                ? [] : [StageNeed(.studentScores, or: "give `threshold: 0` to map all images")])
            + StageNeed.network(TrainedToCo.family, unless: settings.weights)
    }

    public func checkFiles(settings: StageSettings) throws {
        let settings = try ToCoCAMSettings(settings, stage: name)
        try WeightsFile.look(
            at: settings.weights, for: .toCo, size: (settings.imageSize, ToCoTrainSettings().imageSize), stage: name)
        try CalibrationFile.look(at: settings.calibration, stage: name)
    }

    public func plan(round: Int, settings: StageSettings, view: any PlanningView) throws -> [ShardPlan] {
        let settings = try ToCoCAMSettings(settings, stage: name)
        let model = try TrainedToCo(view: view, stage: name, weights: settings.weights, imageSize: settings.imageSize)
        let calibration = try CalibrationFile.stored(
            settings.calibration, network: ToCoLocaliser.calibratedNetwork, parameters: model.parameters, view: view,
            stage: name)
        let positive = Set(try view.reportLabels().filter { $0.polyp == "yes" }.map { "\($0.centre)/\($0.study)" })
        let scores = settings.threshold == 0 ? [] : try view.studentScores(for: name, or: "give `threshold: 0` to map all of them")
        let found = Set(
            scores.filter { $0.score >= settings.threshold }.map { "\($0.centre)/\($0.study)/\($0.image)" })
        let studies = try view.studies().filter { settings.splits.contains($0.split) }
        return try StudyChunks.byCentre(studies).flatMap { centre, studies in
            let items = studies.flatMap { study -> [ItemList.Item] in
                let isMapped = settings.studies == .all || positive.contains("\(centre)/\(study.study)")
                return study.images.map { image in
                    ItemList.Item(
                        study: study.study, image: image,
                        label: isMapped
                            && (settings.threshold == 0 || found.contains("\(centre)/\(study.study)/\(image)")) ? 1 : 0)
                }
            }
            return try StudyChunks.parts(items, of: settings.imagesPerShard).map { number, part in
                ShardPlan(
                    key: "\(centre)/\(number)", centre: centre,
                    input: try StageCoding.encode(
                        Input(centre: centre, items: part, model: model, calibration: calibration, settings: settings)),
                    blobs: [model.parameters] + (calibration.map { [$0] } ?? []), model: model.parameters)
            }
        }
    }

    public func map(_ shard: ShardInput, context: any MapContext) throws -> ShardOutput {
        var input = try StageCoding.decode(Input.self, from: shard.input, of: "the toco-cam shard \(shard.key)")
        input.settings.overlays = input.settings.overlays && context.keepsPictures(in: input.settings.pictures)
        let index = try context.index(ofCentre: input.centre)
        ComputeThreads.set(1)
        let localiser = try input.model.localiser(
            maps: MultiScaleMaps(scales: input.settings.scales), precision: input.settings.precision,
            calibration: input.calibration, context: context)
        var output = ShardOutput()
        var record = Record(parameters: input.model.parameters)
        record.failedImages = try context.forEachImage(input.items, in: index, output: &output) { item, image, output in
            try add(item, image: image, localiser: localiser, input: input, output: &output, record: &record)
        }
        output.record = try StageCoding.encode(record)
        return output
    }

    private func add(
        _ item: ItemList.Item, image: Image8, localiser: ToCoLocaliser, input: Input, output: inout ShardOutput,
        record: inout Record
    ) throws {
        let side = input.model.imageSize
        let square = try image.resized(width: side, height: side, filter: .bilinear)
        record.images += 1
        guard item.label == 1 else {
            let probability = try localiser.probability(rgb: square.pixels, height: side, width: side)
            return try score(probability, item, input: input, output: &output)
        }
        let seen = try localiser.localise(rgb: square.pixels, height: side, width: side)
        try score(seen.probability, item, input: input, output: &output)
        let values = input.settings.map == .main ? seen.map : seen.auxiliary
        let map = try FloatImage(width: side, height: side, values: values)
            .interpolated(width: image.width, height: image.height, mode: .bilinear(alignCorners: false))
        guard map.values.allSatisfy(\.isFinite) else {
            throw EngineError(.notFinite, "its map holds no numbers; look at the image, then at the model")
        }
        let mask = try input.settings.foreground(of: map, on: image)
        let choice = BoxChoice(of: mask, settings: input.settings.boxes)
        output.rows.append(choice.row(centre: input.centre, study: item.study, image: item.image))
        record.mapped += 1
        if let rejection = choice.rejection { record.rejections[rejection, default: 0] += 1 } else { record.kept += 1 }
        try output.add(
            [("toco-cam", try map.levels()), ("toco-cam-mask", mask.image())], centre: input.centre, study: item.study,
            image: item.image)
        guard input.settings.overlays else { return }
        var overlay = try image.overlaid(with: map)
        if let box = choice.box { overlay.draw(box, choice.rejection == nil ? .prediction : .mistake) }
        try output.addFrame(
            overlay, kind: "toco-overlay", place: input.settings.pictures, centre: input.centre, study: item.study,
            image: item.image)
    }

    private func score(_ probability: Float, _ item: ItemList.Item, input: Input, output: inout ShardOutput) throws {
        guard probability.isFinite else {
            throw EngineError(.notFinite, "its score is no number; look at the image, then at the model")
        }
        output.rows.append(
            .imageScore(
                .init(
                    centre: input.centre, study: item.study, image: item.image, head: "toco", score: Double(probability)
                )))
    }

    public func reduce(
        round: Int, records: [ShardRecord], settings: StageSettings, view: any PlanningView
    ) throws -> RoundOutcome {
        var metrics: [String: Double] = ["images": 0, "mapped": 0, "kept": 0, "failedImages": 0]
        let parts = try records.decoded(as: Record.self)
        try view.requireOneModel(parts.map(\.parameters))
        for record in parts {
            metrics["images", default: 0] += Double(record.images)
            metrics["mapped", default: 0] += Double(record.mapped)
            metrics["kept", default: 0] += Double(record.kept)
            metrics["failedImages", default: 0] += Double(record.failedImages)
            for (reason, count) in record.rejections { metrics["rejected.\(reason)", default: 0] += Double(count) }
        }
        return RoundOutcome(metrics: metrics)
    }
}
