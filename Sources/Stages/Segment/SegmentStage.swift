import Archives
import Digest
import Foundation
import Imaging
import Models
import NeuralNetwork

/// Draws masks with the network that `segment-train` left, or a file's (docs/Method.md, section 5): for each image a
/// map of its prediction in 0…1, and its foreground, in the image's own pixels.
///
/// Rows: `mask` of kinds segment and segment-mask. Pictures of frames: segment-overlay. Settings: `SegmentSettings`.
package struct SegmentStage: ImageStage {
    package let name = "segment"
    package let products = [Product(.masks, "segment-mask")]
    /// Its head is the usual network's: what another one drew says so in the numbers of its round.
    package let localiser: Localiser? = Localiser(
        head: SegmentationName.usual.rawValue, map: "segment", mask: "segment-mask", drawsBoxes: false)
    package let calibratedNetwork: String? = SegmentationName.usual.rawValue

    package init() {}

    package func bind(_ settings: StageSettings) throws -> SegmentSettings { try SegmentSettings(settings, stage: name) }

    package func needs(settings: StageSettings) throws -> [StageNeed] {
        let settings = try bind(settings)
        return [.studies] + settings.studies.needs
            + StageNeed.network(TrainedSegmenter.family, unless: settings.weights)
            + (settings.minimumScore > 0 ? [StageNeed(.studentScores, or: "take all images (`minimumScore: 0`)")] : [])
    }

    package func checkFiles(settings: StageSettings) throws {
        let settings = try bind(settings)
        try WeightsFile.look(
            at: settings.weights, for: .segmentation, size: (settings.imageSize, SegmentTrainSettings().imageSize),
            stage: name)
        try CalibrationFile.look(at: settings.calibration, stage: name)
    }

    package func model(_ settings: SegmentSettings, view: any PlanningView) throws -> TrainedSegmenter {
        try TrainedSegmenter(view: view, stage: name, weights: settings.weights, imageSize: settings.imageSize)
    }

    package func calibratedNetwork(of model: TrainedSegmenter) -> String? { model.network.rawValue }

    package func items(
        _ settings: SegmentSettings, view: any PlanningView
    ) throws -> [(centre: String, items: [ItemList.Item])] {
        let studies = try StudyChoice(splits: settings.splits, studies: settings.studies, view: view).studies
        let chosen = try view.imagesScored(from: settings.minimumScore, for: name)
        return StudyChunks.byCentre(studies).map { centre, studies in
            (
                centre,
                studies.flatMap { study in
                    study.images.filter { chosen?.contains([centre, study.study, $0]) ?? true }
                        .map { ItemList.Item(study: study.study, image: $0) }
                }
            )
        }
    }

    /// Which network it is, and of what size, is read off the parameters.
    package func network(
        _ work: ImageWork<TrainedSegmenter, SegmentSettings>, context: any MapContext
    ) throws -> SegmentationPredictor {
        try StageError.naming {
            let kind = "\(work.settings.precision)/\(work.calibration?.hex ?? "")"
            return try context.shared("\(work.model.network)/\(work.model.parameters.hex)/\(kind)") {
                let set = try ParameterSet(decoding: try context.content(work.model.parameters)).sound()
                return try SegmentationPredictor(
                    set, SegmentationKind(of: set), precision: work.settings.precision.besides,
                    calibration: try context.calibration(work.calibration))
            }
        }
    }

    package func look(
        at item: ItemList.Item, _ image: Image8, with predictor: SegmentationPredictor,
        _ work: ImageWork<TrainedSegmenter, SegmentSettings>, sheet: inout ImageSheet
    ) throws {
        let map = try predictor.map(
            of: image, side: work.model.imageSize, views: work.settings.looks, width: image.width, height: image.height)
        let mask = try Mask(
            width: image.width, height: image.height, bits: map.values.map { $0 >= work.settings.foreground }
        ).shaped(work.settings.shape)
        try sheet.masks(item, [("segment", try map.levels()), ("segment-mask", mask.image())])
        try sheet.overlay(item, kind: "segment-overlay") { try image.overlaid(with: map) }
        sheet.count("foreground", Double(mask.area) / Double(max(1, map.values.count)))
        sheet.count(work.model.network.mark, 1)
        sheet.tally.images += 1
    }

    package func metrics(_ tally: ImageTally, _ settings: SegmentSettings) -> [String: Double] {
        var metrics = [
            "images": Double(tally.images), "failedImages": Double(tally.failedImages),
            "meanForeground": tally.mean("foreground"),
        ]
        for name in SegmentationName.allCases where tally[name.mark] > 0 { metrics[name.mark] = 1 }
        return metrics
    }
}
