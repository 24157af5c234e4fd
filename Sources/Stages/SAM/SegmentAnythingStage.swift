import Digest
import Foundation
import Imaging
import Models
import NeuralNetwork

/// From box to mask with Segment Anything (METHOD.md, section 4): boxes that an earlier stage drew prompt it, or those of
/// the archive's own truth, and the mask is the image's pseudo-label.
///
/// Pictures of frames: sam-overlay. Rows: `mask` of kind sam-mask; `box`, the one that prompted, as the earlier stage left it, so that
/// whoever learns from the masks knows which boxes were kept (of truth the largest, where an image shows more polyps).
/// Settings: `SegmentAnythingSettings`.
public struct SegmentAnythingStage: Stage {
    public let name = "sam"

    public init() {}

    struct Input: Codable {
        var centre: String
        var items: [ItemOfBox]
        var parameters: SHA256Digest
        var calibration: SHA256Digest?
        var settings: SegmentAnythingSettings
    }

    struct Record: Codable {
        var images = 0
        var failedImages = 0
        var emptyMasks = 0
        /// Sums over images: the share of foreground, and the intersection over union that the network foresees, in the
        /// mean of an image's boxes.
        var foreground = 0.0
        var predictedIoU = 0.0
        var parameters: SHA256Digest?
    }

    public func validate(settings: StageSettings) throws { _ = try SegmentAnythingSettings(settings, stage: name) }

    public let products = [Product(.boxes, "sam"), Product(.masks, "sam-mask")]
    public let localiser: Localiser? = Localiser(head: "sam", map: "sam-mask", mask: "sam-mask", drawsBoxes: false)

    public func needs(settings: StageSettings) throws -> [StageNeed] {
        let settings = try SegmentAnythingSettings(settings, stage: name)
        return [.studies] + (settings.boxes.product.map { [StageNeed($0, takesAnyFamily: true, or: "choose other `boxes`")] } ?? [])
    }

    public func checkFiles(settings: StageSettings) throws {
        let settings = try SegmentAnythingSettings(settings, stage: name)
        try WeightsFile.look(at: settings.weights, for: .segmentAnything, stage: name)
        try CalibrationFile.look(at: settings.calibration, stage: name)
    }

    public func plan(round: Int, settings: StageSettings, view: any PlanningView) throws -> [ShardPlan] {
        let settings = try SegmentAnythingSettings(settings, stage: name)
        let items = try PromptBoxes.chosen(settings, view: view, stage: name)
        let parameters = try WeightsFile.naming(name) {
            try view.store(try WeightsFile(settings.weights).segmentAnything().encoded())
        }
        let calibration = try CalibrationFile.stored(
            settings.calibration, network: SegmentAnything.calibratedNetwork, parameters: parameters, view: view,
            stage: name)
        return try Dictionary(grouping: items, by: \.centre).sorted { $0.key < $1.key }.flatMap { centre, items in
            try StudyChunks.parts(items, of: settings.imagesPerShard).map { number, part in
                ShardPlan(
                    key: "\(centre)/\(number)", centre: centre,
                    input: try StageCoding.encode(
                        Input(
                            centre: centre, items: part, parameters: parameters, calibration: calibration,
                            settings: settings)),
                    blobs: [parameters] + (calibration.map { [$0] } ?? []), model: parameters)
            }
        }
    }

    public func map(_ shard: ShardInput, context: any MapContext) throws -> ShardOutput {
        var input = try StageCoding.decode(Input.self, from: shard.input, of: "the sam shard \(shard.key)")
        input.settings.overlays = input.settings.overlays && context.keepsPictures(in: input.settings.pictures)
        let index = try context.index(ofCentre: input.centre)
        ComputeThreads.set(1)
        let network = try network(input, context: context)
        var output = ShardOutput()
        var record = Record(parameters: input.parameters)
        let prompts = try prompts(input, context: context, output: &output)
        record.failedImages = output.rows.count
        record.failedImages += try context.forEachImage(prompts, in: index, output: &output) { prompt, image, output in
            try add(prompt, image: image, network: network, settings: input.settings, output: &output, record: &record)
        }
        output.record = try StageCoding.encode(record)
        return output
    }

    /// What prompts, image by image; a mask of the truth that cannot be read leaves an item row in `output`, the only kind
    /// of row there is then.
    private func prompts(_ input: Input, context: any MapContext, output: inout ShardOutput) throws -> [Prompt] {
        guard input.settings.boxes == .truth else { return input.items.compactMap { $0.box.flatMap { Prompt($0) } } }
        let truth = try context.truth(ofCentre: input.centre)
        return input.items.compactMap { item in
            do { return try Prompt(item, truth: truth) } catch {
                output.rows.append(
                    .item(.init(centre: item.centre, study: item.study, image: item.image, unreadable: error)))
                return nil
            }
        }
    }

    /// The network, made once a process; which one it is is read off the parameters.
    private func network(_ input: Input, context: any MapContext) throws -> SegmentAnything {
        try StageError.naming {
            let kind = "\(input.settings.precision)/\(input.calibration?.hex ?? "")"
            return try context.shared("segment-anything/\(input.parameters.hex)/\(kind)") {
                try SegmentAnything(
                    ParameterSet(decoding: try context.content(input.parameters)).sound(),
                    precision: input.settings.precision.besides,
                    calibration: try context.calibration(input.calibration))
            }
        }
    }

    /// Adds an image's rows, and its numbers to the record.
    private func add(
        _ prompt: Prompt, image: Image8, network: SegmentAnything, settings: SegmentAnythingSettings,
        output: inout ShardOutput, record: inout Record
    ) throws {
        try prompt.check(against: image)
        let (width, height) = network.inputSize(width: image.width, height: image.height)
        let resized = try image.resized(width: width, height: height, filter: .bilinear)
        let embedding = try network.embed(
            rgb: resized.pixels, width: width, height: height, of: (image.width, image.height))
        let seen = try network.union(embedding, boxes: prompt.boxes.map { SegmentationPrompt.Box($0) })
        let mask = try Mask(width: image.width, height: image.height, bits: seen.mask.map { $0 > 0 })
        output.rows.append(.box(prompt.row))
        try output.add(
            [("sam-mask", mask.image())], centre: prompt.row.centre, study: prompt.study, image: prompt.image)
        if settings.overlays {
            var overlay = image
            try overlay.draw(outlineOf: mask, .white)
            for box in prompt.boxes { overlay.draw(box, prompt.row.isKept ? .prediction : .mistake) }
            try output.addFrame(
                overlay, kind: "sam-overlay", place: settings.pictures, centre: prompt.row.centre, study: prompt.study,
                image: prompt.image)
        }
        record.images += 1
        record.foreground += Double(mask.area) / Double(mask.bits.count)
        record.predictedIoU += seen.predictedIoU.reduce(0) { $0 + Double($1) } / Double(max(1, seen.predictedIoU.count))
        if mask.area == 0 { record.emptyMasks += 1 }
    }

    public func reduce(
        round: Int, records: [ShardRecord], settings: StageSettings, view: any PlanningView
    ) throws -> RoundOutcome {
        let parts = try records.decoded(as: Record.self)
        try view.requireOneModel(parts.map(\.parameters))
        let images = parts.reduce(0) { $0 + $1.images }
        let failed = parts.reduce(0) { $0 + $1.failedImages }
        let settings = try SegmentAnythingSettings(settings, stage: name)
        guard settings.boxes != .truth || images + failed > 0 else {
            throw StageError(
                .missingInput,
                "stage \(name): no image of split \(settings.splits.joined(separator: ", ")) has a mask with a polyp in its "
                    + "centre's truth/: choose other `boxes`")
        }
        func mean(_ sum: KeyPath<Record, Double>) -> Double {
            images == 0 ? 0 : parts.reduce(0) { $0 + $1[keyPath: sum] } / Double(images)
        }
        return RoundOutcome(metrics: [
            "images": Double(images), "failedImages": Double(failed),
            "emptyMasks": Double(parts.reduce(0) { $0 + $1.emptyMasks }), "meanForeground": mean(\.foreground),
            "meanPredictedIoU": mean(\.predictedIoU),
        ])
    }
}
