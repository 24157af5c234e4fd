import Foundation
import Models

/// Fine-tunes an encoder on a little pathology by averaged rounds (docs/Method.md, section 7; `AveragedTraining`); validation shards
/// measure the round's starting parameters by their area over studies. Settings: `BiopsyTrainSettings`.
package struct BiopsyTrainStage: AveragingStage {
    package let name = "biopsy-train"
    private let training = AveragedTraining(BiopsyTraining())
    package var work: any AveragedWork { training }

    /// By which steps find what it leaves.
    static let family = "biopsy"

    package init() {}

    package let products = [Product(.network, family)]

    package func needs(settings: StageSettings) throws -> [StageNeed] {
        let settings = try training.trainer.settings(settings)
        return [.studies] + settings.images.needs
            + (settings.start == .mil
                ? [StageNeed(Product(.network, TrainedModel.family), or: "start otherwise (`start: \"file\"` or `\"random\"`)")] : [])
    }

    package func checkFiles(settings: StageSettings) throws {
        let settings = try training.trainer.settings(settings)
        try WeightsFile.look(
            at: settings.initialCheckpoint, for: .start(ofBiopsy: settings.encoder ?? .resNet18), stage: name)
    }
}
