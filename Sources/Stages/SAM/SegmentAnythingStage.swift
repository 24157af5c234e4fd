import Archives
import Digest
import Foundation
import Imaging
import Models
import NeuralNetwork

/// From box to mask with Segment Anything (METHOD.md, section 4): boxes that an earlier stage drew prompt it, and the
/// mask is the image's pseudo-label.
///
/// Rows: `mask` of kinds sam-mask and sam-overlay; `box`, the one that prompted, as the earlier stage left it, so that
/// whoever learns from the masks knows which boxes were kept. Settings: `SegmentAnythingSettings`.
public struct SegmentAnythingStage: Stage {
    public static let stageName = "sam"
    public let name = SegmentAnythingStage.stageName

    public init() {}

    struct Input: Codable {
        var centre: String
        var boxes: [ResultRow.BoxRow]
        var parameters: SHA256Digest
        var calibration: SHA256Digest?
        var settings: SegmentAnythingSettings
    }

    struct Record: Codable {
        var images = 0
        var failedImages = 0
        var emptyMasks = 0
        /// Sums over images: the share of foreground, and the intersection over union that the network foresees.
        var foreground = 0.0
        var predictedIoU = 0.0
        var parameters: SHA256Digest?
    }

    public func validate(settings: StageSettings) throws { _ = try SegmentAnythingSettings(settings, stage: name) }

    public func inputs(settings: StageSettings) throws -> [StageInput] {
        let settings = try SegmentAnythingSettings(settings, stage: name)
        return [.catalogue, StageInput(settings.boxes.rawValue, or: "choose other `boxes`")]
    }

    public func checkFiles(settings: StageSettings) throws {
        let settings = try SegmentAnythingSettings(settings, stage: name)
        try WeightsFile.look(at: settings.weights, for: .segmentAnything, stage: name)
        try CalibrationFile.look(at: settings.calibration, stage: name)
    }

    public func plan(round: Int, settings: StageSettings, view: any PlanningView) throws -> [ShardPlan] {
        let settings = try SegmentAnythingSettings(settings, stage: name)
        let boxes = try PromptBoxes.chosen(settings, view: view, stage: name)
        let parameters = try WeightsFile.naming(name) {
            try view.store(try WeightsFile(settings.weights).segmentAnything().encoded())
        }
        let calibration = try CalibrationFile.stored(
            settings.calibration, network: SegmentAnything.calibratedNetwork, parameters: parameters, view: view,
            stage: name)
        return try Dictionary(grouping: boxes, by: \.centre).sorted { $0.key < $1.key }.flatMap { centre, boxes in
            try StudyChunks.parts(boxes, of: settings.imagesPerShard).map { number, part in
                ShardPlan(
                    key: "\(centre)/\(number)", centre: centre,
                    input: try StageCoding.encode(
                        Input(
                            centre: centre, boxes: part, parameters: parameters, calibration: calibration,
                            settings: settings)),
                    blobs: [parameters] + (calibration.map { [$0] } ?? []), model: parameters)
            }
        }
    }

    public func map(_ shard: ShardInput, context: any MapContext) throws -> ShardOutput {
        let input = try StageCoding.decode(Input.self, from: shard.input, of: "the sam shard \(shard.key)")
        let index = try context.index(ofCentre: input.centre)
        ComputeThreads.set(1)
        let network = try network(input, context: context)
        var output = ShardOutput()
        var record = Record(parameters: input.parameters)
        record.failedImages = try context.forEachImage(input.boxes, in: index, output: &output) { box, image, output in
            try add(box, image: image, network: network, settings: input.settings, output: &output, record: &record)
        }
        output.record = try StageCoding.encode(record)
        return output
    }

    /// The network, made once a process; which one it is is read off the parameters.
    private func network(_ input: Input, context: any MapContext) throws -> SegmentAnything {
        try StageError.naming {
            let kind = "\(input.settings.precision)/\(input.calibration?.hex ?? "")"
            return try context.shared("segment-anything/\(input.parameters.hex)/\(kind)") {
                try SegmentAnything(
                    ParameterSet(decoding: try context.content(input.parameters)),
                    precision: input.settings.precision.besides,
                    calibration: try context.calibration(input.calibration))
            }
        }
    }

    /// Adds an image's rows, and its numbers to the record.
    private func add(
        _ box: ResultRow.BoxRow, image: Image8, network: SegmentAnything, settings: SegmentAnythingSettings,
        output: inout ShardOutput, record: inout Record
    ) throws {
        guard let prompt = box.rectangle else { return }
        let (width, height) = network.inputSize(width: image.width, height: image.height)
        let resized = try image.resized(width: width, height: height, filter: .bilinear)
        let embedding = try network.embed(
            rgb: resized.pixels, width: width, height: height, of: (image.width, image.height))
        let seen = try network.union(embedding, boxes: [SegmentationPrompt.Box(prompt)])
        let mask = try Mask(width: image.width, height: image.height, bits: seen.mask.map { $0 > 0 })
        output.rows.append(.box(box))
        var pictures: [(kind: String, picture: Image8)] = [("sam-mask", mask.image())]
        if settings.overlays {
            var overlay = image
            try overlay.draw(outlineOf: mask, .white)
            overlay.draw(
                Box(x0: prompt.x0, y0: prompt.y0, x1: prompt.x1, y1: prompt.y1), box.isKept ? .prediction : .mistake)
            pictures.append(("sam-overlay", overlay))
        }
        try output.add(pictures, centre: box.centre, study: box.study, image: box.image)
        record.images += 1
        record.foreground += Double(mask.area) / Double(mask.bits.count)
        record.predictedIoU += seen.predictedIoU.reduce(0) { $0 + Double($1) }
        if mask.area == 0 { record.emptyMasks += 1 }
    }

    public func reduce(
        round: Int, records: [ShardRecord], settings: StageSettings, view: any PlanningView
    ) throws -> RoundOutcome {
        let parts = try records.decoded(as: Record.self)
        try view.requireOneModel(parts.map(\.parameters), ofStage: name)
        let images = parts.reduce(0) { $0 + $1.images }
        func mean(_ sum: KeyPath<Record, Double>) -> Double {
            images == 0 ? 0 : parts.reduce(0) { $0 + $1[keyPath: sum] } / Double(images)
        }
        return RoundOutcome(metrics: [
            "images": Double(images), "failedImages": Double(parts.reduce(0) { $0 + $1.failedImages }),
            "emptyMasks": Double(parts.reduce(0) { $0 + $1.emptyMasks }), "meanForeground": mean(\.foreground),
            "meanPredictedIoU": mean(\.predictedIoU),
        ])
    }
}

extension SegmentationPrompt.Box {
    /// The method's boxes are (x, y, x + w, y + h), as a row's are.
    init(_ rectangle: ResultRow.BoxRow.Rectangle) {
        self.init(
            left: Float(rectangle.x0), top: Float(rectangle.y0), right: Float(rectangle.x1), bottom: Float(rectangle.y1))
    }
}
