import Foundation

/// Trains encoder, teachers and student on bags by averaged rounds (docs/Method.md, section 2; `AveragedTraining`); or
/// teachers and student alone, on what a frozen encoder said of the images before.
///
/// Settings: `MILTrainSettings`.
package struct MILTrainStage: AveragingStage {
    package let name = "mil-train"
    private let training = AveragedTraining(MILTraining())
    package var work: any AveragedWork { training }

    package init() {}

    package let products = [Product(.network, TrainedModel.family)]
    package func needs(settings: StageSettings) throws -> [StageNeed] {
        let needsFeatures = try training.trainer.settings(settings).input == .features
        return [.studies, .labels] + (needsFeatures ? [StageNeed(.features, or: "learn from images (`input: \"images\"`)")] : [])
    }

    package func checkFiles(settings: StageSettings) throws {
        let settings = try training.trainer.settings(settings)
        try WeightsFile.look(at: settings.initialCheckpoint, for: .start(ofMIL: settings.encoder), stage: name)
    }
}
