import Archives
import Digest
import Foundation
import Imaging
import Models
import NeuralNetwork

/// Where ToCo sees the polyp (docs/Method.md, section 3, "Inference"): its probability for every image; for the images
/// that `cam` would map too, its multi-scale map, mask and box.
///
/// Rows: `imageScore` of head toco; `box`; `mask` of kinds toco-cam and toco-cam-mask. Pictures of frames: toco-overlay.
/// Settings: `ToCoCAMSettings`.
package struct ToCoCAMStage: ImageStage {
    package let name = "toco-cam"
    package let products = [Product(.scores, "toco"), Product(.boxes, "toco-cam"), Product(.masks, "toco-cam-mask")]
    package let localiser: Localiser? = Localiser(
        head: "toco", map: "toco-cam", mask: "toco-cam-mask", drawsBoxes: true)
    package let calibratedNetwork: String? = ToCoLocaliser.calibratedNetwork

    package init() {}

    package func bind(_ settings: StageSettings) throws -> ToCoCAMSettings { try ToCoCAMSettings(settings, stage: name) }

    package func needs(settings: StageSettings) throws -> [StageNeed] {
        let settings = try bind(settings)
        return [.studies] + settings.studies.needs
            + (settings.threshold == 0 ? [] : [StageNeed(.studentScores, or: "give `threshold: 0` to map all images")])
            + StageNeed.network(TrainedToCo.family, unless: settings.weights)
    }

    package func checkFiles(settings: StageSettings) throws {
        let settings = try bind(settings)
        try WeightsFile.look(
            at: settings.weights, for: .toCo, size: (settings.imageSize, ToCoTrainSettings().imageSize), stage: name)
        try CalibrationFile.look(at: settings.calibration, stage: name)
    }

    package func model(_ settings: ToCoCAMSettings, view: any PlanningView) throws -> TrainedToCo {
        try TrainedToCo(view: view, stage: name, weights: settings.weights, imageSize: settings.imageSize)
    }

    /// Label 1: to be mapped; 0: to be scored only.
    package func items(
        _ settings: ToCoCAMSettings, view: any PlanningView
    ) throws -> [(centre: String, items: [ItemList.Item])] {
        let wanted = try StudyChoice(splits: settings.splits, studies: settings.studies, view: view)
        let scores = settings.threshold == 0 ? [] : try view.studentScores(for: name, or: "give `threshold: 0` to map all of them")
        let found = Set(scores.filter { $0.score >= settings.threshold }.map { [$0.centre, $0.study, $0.image] })
        let studies = try view.studies().filter { settings.splits.contains($0.split) }
        return StudyChunks.byCentre(studies).map { centre, studies in
            let items = studies.flatMap { study in
                study.images.map { image in
                    let isMapped =
                        wanted.contains(centre, study.study)
                        && (settings.threshold == 0 || found.contains([centre, study.study, image]))
                    return ItemList.Item(study: study.study, image: image, label: isMapped ? 1 : 0)
                }
            }
            return (centre, items)
        }
    }

    package func network(
        _ work: ImageWork<TrainedToCo, ToCoCAMSettings>, context: any MapContext
    ) throws -> ToCoLocaliser {
        try work.model.localiser(
            maps: MultiScaleMaps(scales: work.settings.scales), precision: work.settings.precision,
            calibration: work.calibration, context: context)
    }

    package func look(
        at item: ItemList.Item, _ image: Image8, with localiser: ToCoLocaliser,
        _ work: ImageWork<TrainedToCo, ToCoCAMSettings>, sheet: inout ImageSheet
    ) throws {
        let (side, settings) = (work.model.imageSize, work.settings)
        let square = try image.resized(width: side, height: side, filter: .bilinear)
        sheet.tally.images += 1
        guard item.label == 1 else {
            return try score(
                localiser.probability(rgb: square.pixels, height: side, width: side), item, sheet: &sheet)
        }
        let seen = try localiser.localise(rgb: square.pixels, height: side, width: side)
        try score(seen.probability, item, sheet: &sheet)
        let map = try FloatImage(width: side, height: side, values: settings.map == .main ? seen.map : seen.auxiliary)
            .interpolated(width: image.width, height: image.height, mode: .bilinear(alignCorners: false))
        guard map.values.allSatisfy(\.isFinite) else {
            throw EngineError(.notFinite, "its map holds no numbers; look at the image, then at the model")
        }
        let mask = try settings.foreground(of: map, on: image)
        let choice = BoxChoice(of: mask, filter: settings.filter)
        sheet.box(item, choice)
        sheet.count("mapped")
        try sheet.masks(item, [("toco-cam", try map.levels()), ("toco-cam-mask", mask.image())])
        try sheet.overlay(item, kind: "toco-overlay") { try choice.overlay(of: map, on: image) }
    }

    private func score(_ probability: Float, _ item: ItemList.Item, sheet: inout ImageSheet) throws {
        guard probability.isFinite else {
            throw EngineError(.notFinite, "its score is no number; look at the image, then at the model")
        }
        sheet.score(item, head: "toco", Double(probability))
    }

    package func metrics(_ tally: ImageTally, _ settings: ToCoCAMSettings) -> [String: Double] {
        tally.withBoxes([
            "images": Double(tally.images), "mapped": tally["mapped"], "failedImages": Double(tally.failedImages),
        ])
    }
}
