import Digest
import Foundation
import Imaging
import Models
import NeuralNetwork

/// From box to mask with Segment Anything (docs/Method.md, section 4): boxes that an earlier stage drew prompt it, or
/// those of the archive's own truth, and the mask is the image's pseudo-label.
///
/// Pictures of frames: sam-overlay. Rows: `mask` of kind sam-mask; `box`, the one that prompted, as the earlier stage left it, so that
/// whoever learns from the masks knows which boxes were kept (of truth the largest, where an image shows more polyps).
/// Settings: `SegmentAnythingSettings`.
package struct SegmentAnythingStage: ImageStage {
    package let name = "sam"
    package let products = [Product(.boxes, "sam"), Product(.masks, "sam-mask")]
    package let localiser: Localiser? = Localiser(head: "sam", map: "sam-mask", mask: "sam-mask", drawsBoxes: false)
    package let calibratedNetwork: String? = SegmentAnything.calibratedNetwork

    package init() {}

    package struct Model: ImageStageModel {
        var parameters: SHA256Digest
        package var parametersOrNone: SHA256Digest? { parameters }
    }

    package func bind(_ settings: StageSettings) throws -> SegmentAnythingSettings {
        try SegmentAnythingSettings(settings, stage: name)
    }

    package func needs(settings: StageSettings) throws -> [StageNeed] {
        let boxes = try bind(settings).boxes.product
        return [.studies] + (boxes.map { [StageNeed($0, takesAnyFamily: true, or: "choose other `boxes`")] } ?? [])
            + (try bind(settings).minimumScore > 0 ? [StageNeed(.studentScores, or: "prompt with all images (`minimumScore: 0`)")] : [])
    }

    package func checkFiles(settings: StageSettings) throws {
        let settings = try bind(settings)
        try WeightsFile.look(at: settings.weights, for: .segmentAnything, stage: name)
        try CalibrationFile.look(at: settings.calibration, stage: name)
    }

    package func model(_ settings: SegmentAnythingSettings, view: any PlanningView) throws -> Model {
        try WeightsFile.naming(name) {
            Model(parameters: try view.store(try WeightsFile(settings.weights).segmentAnything().encoded()))
        }
    }

    package func items(
        _ settings: SegmentAnythingSettings, view: any PlanningView
    ) throws -> [(centre: String, items: [ItemOfBox])] {
        let items = try PromptBoxes.chosen(settings, view: view, stage: name)
        return Dictionary(grouping: items, by: \.centre).sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    /// Which network it is is read off the parameters.
    package func network(
        _ work: ImageWork<Model, SegmentAnythingSettings>, context: any MapContext
    ) throws -> SegmentAnything {
        try StageError.naming {
            let kind = "\(work.settings.precision)/\(work.calibration?.hex ?? "")"
            return try context.shared("segment-anything/\(work.model.parameters.hex)/\(kind)") {
                try SegmentAnything(
                    ParameterSet(decoding: try context.content(work.model.parameters)).sound(),
                    precision: work.settings.precision.besides, calibration: try context.calibration(work.calibration))
            }
        }
    }

    /// A mask of the truth that cannot be read costs its image only.
    package func prompts(
        _ items: [ItemOfBox], _ work: ImageWork<Model, SegmentAnythingSettings>, context: any MapContext,
        sheet: inout ImageSheet
    ) throws -> [Prompt] {
        guard work.settings.boxes == .truth else { return items.compactMap { $0.box.flatMap { Prompt($0) } } }
        let truth = try context.truth(ofCentre: sheet.centre)
        return items.compactMap { item in
            do { return try Prompt(item, truth: truth) } catch {
                sheet.fail(item, error)
                return nil
            }
        }
    }

    package func look(
        at prompt: Prompt, _ image: Image8, with network: SegmentAnything,
        _ work: ImageWork<Model, SegmentAnythingSettings>, sheet: inout ImageSheet
    ) throws {
        try prompt.check(against: image)
        let (width, height) = network.inputSize(width: image.width, height: image.height)
        let resized = try image.resized(width: width, height: height, filter: .bilinear)
        let embedding = try network.embed(
            rgb: resized.pixels, width: width, height: height, of: (image.width, image.height))
        let seen = try network.union(embedding, boxes: prompt.boxes.map { SegmentationPrompt.Box($0) })
        let mask = try Mask(width: image.width, height: image.height, bits: seen.mask.map { $0 > 0 })
            .shaped(work.settings.shape)
        let predictedIoU = seen.predictedIoU.reduce(0) { $0 + Double($1) } / Double(max(1, seen.predictedIoU.count))
        let rejection = work.settings.rejection(of: mask, for: prompt, predictedIoU: predictedIoU)
        var row = prompt.row
        if let rejection, row.isKept { (row.isKept, row.rejection) = (false, rejection) }
        sheet.count(rejection.map { "rejected.\($0)" } ?? "kept")
        sheet.output.rows.append(.box(row))
        try sheet.masks(prompt, [("sam-mask", mask.image())])
        try sheet.overlay(prompt, kind: "sam-overlay") {
            var overlay = image
            try overlay.draw(outlineOf: mask, .white)
            for box in prompt.boxes { overlay.draw(box, row.isKept ? .prediction : .mistake) }
            return overlay
        }
        sheet.tally.images += 1
        sheet.count("foreground", Double(mask.area) / Double(mask.bits.count))
        // In the mean of an image's boxes.
        sheet.count("predictedIoU", predictedIoU)
        if mask.area == 0 { sheet.count("emptyMasks") }
    }

    package func metrics(_ tally: ImageTally, _ settings: SegmentAnythingSettings) throws -> [String: Double] {
        guard settings.boxes != .truth || tally.images + tally.failedImages > 0 else {
            throw StageError(
                .missingInput,
                "stage \(name): no image of split \(settings.splits.joined(separator: ", ")) has a mask with a polyp in its "
                    + "centre's truth/: choose other `boxes`")
        }
        return tally.withBoxes([
            "images": Double(tally.images), "failedImages": Double(tally.failedImages),
            "emptyMasks": tally["emptyMasks"], "meanForeground": tally.mean("foreground"),
            "meanPredictedIoU": tally.mean("predictedIoU"),
        ])
    }
}

extension SegmentAnythingSettings {
    /// Why a mask is not to be learnt from; nil where it is.
    package func rejection(of mask: Mask, for prompt: Prompt, predictedIoU: Double) -> String? {
        guard let box = mask.boundingBox else { return "no-foreground" }
        if let prompted = Box(around: prompt.boxes), box.intersectionOverUnion(prompted) < minimumAgreement {
            return "disagrees-with-box"
        }
        if Double(mask.area) < minimumFill * Double(box.area) { return "ragged" }
        return predictedIoU < minimumPredictedIoU ? "unsure" : nil
    }
}
