import Archives
import Digest
import Foundation
import Imaging
import Models
import NeuralNetwork

/// Where the student sees its polyp: Grad-CAM of its class 1 on the encoder's last block, or what it says of each position, as
/// heat map, mask and box.
///
/// Rows: `box`, with the reason where it is not kept; `mask` of kinds cam and cam-mask. Pictures of frames: overlay.
/// Settings: `CAMSettings`.
package struct CAMStage: ImageStage {
    package let name = "cam"
    package let products = [Product(.boxes, "cam"), Product(.masks, "cam-mask")]
    package let localiser: Localiser? = Localiser(head: "student", map: "cam", mask: "cam-mask", drawsBoxes: true)
    package let calibratedNetwork: String? = MILScorer.calibratedNetwork

    package init() {}

    package func bind(_ settings: StageSettings) throws -> CAMSettings { try CAMSettings(settings, stage: name) }

    package func needs(settings: StageSettings) throws -> [StageNeed] {
        let settings = try bind(settings)
        return [.studies] + settings.studies.needs
            + StageNeed.network(TrainedModel.family, unless: settings.weights) + [StageNeed(.studentScores)]
    }

    package func checkFiles(settings: StageSettings) throws {
        let settings = try bind(settings)
        try WeightsFile.look(
            at: settings.weights, for: .mil, size: (settings.imageSize, MILTrainSettings().imageSize), stage: name)
        try CalibrationFile.look(at: settings.calibration, stage: name)
    }

    package func model(_ settings: CAMSettings, view: any PlanningView) throws -> TrainedModel {
        try TrainedModel(view: view, stage: name, weights: settings.weights, imageSize: settings.imageSize)
    }

    package func items(
        _ settings: CAMSettings, view: any PlanningView
    ) throws -> [(centre: String, items: [ItemList.Item])] {
        let wanted = try StudyChoice(splits: settings.splits, studies: settings.studies, view: view)
        let chosen = try view.studentScores(for: name).filter {
            $0.score >= settings.threshold && wanted.contains($0.centre, $0.study)
        }
        return Dictionary(grouping: chosen, by: \.centre).sorted { $0.key < $1.key }.map { centre, rows in
            (centre, rows.map { ItemList.Item(study: $0.study, image: $0.image) }.sorted { ($0.study, $0.image) < ($1.study, $1.image) })
        }
    }

    package func network(
        _ work: ImageWork<TrainedModel, CAMSettings>, context: any MapContext
    ) throws -> HeatMap {
        HeatMap(
            scorer: try work.model.scorer(
                precision: work.settings.precision, calibration: work.calibration, context: context),
            settings: work.settings, side: work.settings.imageSize ?? work.model.imageSize)
    }

    package func look(
        at item: ItemList.Item, _ image: Image8, with heat: HeatMap, _ work: ImageWork<TrainedModel, CAMSettings>,
        sheet: inout ImageSheet
    ) throws {
        guard let map = try heat.map(of: image) else {
            return sheet.fail(
                item, reason: "not-finite",
                message: "\(item.image): its map holds no numbers; look at the image, then at the model")
        }
        var mask = Mask(map, above: work.settings.foreground)
        if work.settings.component == .peak { mask = ConnectedComponents(of: mask).mask(around: map.peak) }
        let choice = BoxChoice(of: mask, filter: work.settings.filter)
        sheet.box(item, choice)
        sheet.tally.images += 1
        try sheet.masks(item, [("cam", try map.levels()), ("cam-mask", mask.image())])
        try sheet.overlay(item, kind: "overlay") { try choice.overlay(of: map, on: image) }
    }

    package func metrics(_ tally: ImageTally, _ settings: CAMSettings) -> [String: Double] {
        tally.withBoxes(["images": Double(tally.images), "failedImages": Double(tally.failedImages)])
    }
}
