import Archives
import Digest
import Foundation
import Imaging
import Models
import NeuralNetwork

/// Where the student sees its polyp: Grad-CAM of its class 1 on the encoder's last block, as heat map, mask and box.
///
/// Rows: `box`, with the reason where it is not kept; `mask` of kinds cam and cam-mask. Pictures of frames: overlay.
/// Settings: `CAMSettings`.
public struct CAMStage: Stage {
    public let name = "cam"

    public init() {}

    struct Input: Codable {
        struct Item: Codable, NamesImage {
            var study: String
            var image: String
        }

        var centre: String
        var items: [Item]
        var model: TrainedModel
        var calibration: SHA256Digest?
        var settings: CAMSettings
    }

    struct Record: Codable {
        var images = 0
        var kept = 0
        var rejections: [String: Int] = [:]
        var failedImages = 0
        var parameters: SHA256Digest?
    }

    public func validate(settings: StageSettings) throws { _ = try CAMSettings(settings, stage: name) }

    public let products = [Product(.boxes, "cam"), Product(.masks, "cam-mask")]
    public let localiser: Localiser? = Localiser(head: "student", map: "cam", mask: "cam-mask", drawsBoxes: true)

    public func needs(settings: StageSettings) throws -> [StageNeed] {
        let settings = try CAMSettings(settings, stage: name)
        return [.studies] + settings.studies.needs
            + StageNeed.network(TrainedModel.family, unless: settings.weights) + [StageNeed(.studentScores)]
    }

    public func checkFiles(settings: StageSettings) throws {
        let settings = try CAMSettings(settings, stage: name)
        try WeightsFile.look(
            at: settings.weights, for: .mil, size: (settings.imageSize, MILTrainSettings().imageSize), stage: name)
        try CalibrationFile.look(at: settings.calibration, stage: name)
    }

    public func plan(round: Int, settings: StageSettings, view: any PlanningView) throws -> [ShardPlan] {
        let settings = try CAMSettings(settings, stage: name)
        let model = try TrainedModel(view: view, stage: name, weights: settings.weights, imageSize: settings.imageSize)
        let calibration = try CalibrationFile.stored(
            settings.calibration, network: MILScorer.calibratedNetwork, parameters: model.parameters, view: view, stage: name)
        let positive = Set(try view.reportLabels().filter { $0.polyp == "yes" }.map { "\($0.centre)/\($0.study)" })
        let wanted = Set(
            try view.studies().filter { settings.splits.contains($0.split) }.map { "\($0.centre)/\($0.study)" }
                .filter { settings.studies == .all || positive.contains($0) })
        let scores = try view.studentScores(for: name)
        let chosen = scores.filter { $0.score >= settings.threshold && wanted.contains("\($0.centre)/\($0.study)") }
        return try Dictionary(grouping: chosen, by: \.centre).sorted { $0.key < $1.key }.flatMap { centre, rows in
            let items = rows.map { Input.Item(study: $0.study, image: $0.image) }
                .sorted { ($0.study, $0.image) < ($1.study, $1.image) }
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
        var input = try StageCoding.decode(Input.self, from: shard.input, of: "the cam shard \(shard.key)")
        input.settings.overlays = input.settings.overlays && context.keepsPictures(in: input.settings.pictures)
        let index = try context.index(ofCentre: input.centre)
        ComputeThreads.set(1)
        let scorer = try input.model.scorer(
            precision: input.settings.precision, calibration: input.calibration, context: context)
        let heat = HeatMap(
            scorer: scorer, settings: input.settings, side: input.settings.imageSize ?? input.model.imageSize)
        var output = ShardOutput()
        var record = Record(parameters: input.model.parameters)
        let failed = try context.forEachImage(input.items, in: index, output: &output) { item, image, output in
            try add(item, image: image, heat: heat, centre: input.centre, output: &output, record: &record)
        }
        record.failedImages += failed
        output.record = try StageCoding.encode(record)
        return output
    }

    private func add(
        _ item: Input.Item, image: Image8, heat: HeatMap, centre: String, output: inout ShardOutput, record: inout Record
    ) throws {
        guard let map = try heat.map(of: image) else {
            output.rows.append(
                .item(
                    .init(
                        centre: centre, study: item.study, image: item.image, status: "failed", reason: "not-finite",
                        message: "\(item.image): its map holds no numbers; look at the image, then at the model")))
            record.failedImages += 1
            return
        }
        let mask = Mask(map, above: heat.settings.foreground)
        let choice = BoxChoice(of: mask, settings: heat.settings)
        output.rows.append(choice.row(centre: centre, study: item.study, image: item.image))
        record.images += 1
        if let rejection = choice.rejection { record.rejections[rejection, default: 0] += 1 } else { record.kept += 1 }
        try output.add(
            [("cam", try map.levels()), ("cam-mask", mask.image())], centre: centre, study: item.study, image: item.image)
        guard heat.settings.overlays else { return }
        var overlay = try image.overlaid(with: map)
        if let box = choice.box { overlay.draw(box, choice.rejection == nil ? .prediction : .mistake) }
        try output.addFrame(
            overlay, kind: "overlay", place: heat.settings.pictures, centre: centre, study: item.study, image: item.image)
    }

    public func reduce(
        round: Int, records: [ShardRecord], settings: StageSettings, view: any PlanningView
    ) throws -> RoundOutcome {
        var metrics: [String: Double] = ["images": 0, "kept": 0, "failedImages": 0]
        let parts = try records.decoded(as: Record.self)
        try view.requireOneModel(parts.map(\.parameters))
        for record in parts {
            metrics["images", default: 0] += Double(record.images)
            metrics["kept", default: 0] += Double(record.kept)
            metrics["failedImages", default: 0] += Double(record.failedImages)
            for (reason, count) in record.rejections { metrics["rejected.\(reason)", default: 0] += Double(count) }
        }
        return RoundOutcome(metrics: metrics)
    }
}
