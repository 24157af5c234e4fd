import Foundation
import Models

/// Trains ToCo on labels of single images by averaged rounds (docs/Method.md, section 3; `AveragedTraining`).
///
/// Labels come from `mil-score`; validation shards set the round's starting parameters against the reports of validation
/// studies: the highest probability of a study's images is its own. Settings: `ToCoTrainSettings`.
package struct ToCoTrainStage: AveragingStage {
    package let name = "toco-train"
    private let training = AveragedTraining(ToCoTraining())
    package var work: any AveragedWork { training }

    package init() {}

    package let products = [Product(.network, TrainedToCo.family)]
    package func needs(settings: StageSettings) throws -> [StageNeed] { [.studies, .labels, StageNeed(.studentScores)] }

    package func checkFiles(settings: StageSettings) throws {
        let settings = try training.trainer.settings(settings)
        try WeightsFile.look(at: settings.initialCheckpoint, for: .start(ofToCo: settings.configuration.encoder.width), stage: name)
    }
}
