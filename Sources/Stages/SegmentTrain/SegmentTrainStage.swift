import Foundation

/// Trains a segmentation network by averaged rounds (docs/Method.md, section 5; `AveragedTraining`); validation shards measure the round's
/// starting parameters by their Dice. Settings: `SegmentTrainSettings`.
package struct SegmentTrainStage: AveragingStage {
    package let name = "segment-train"
    private let training = AveragedTraining(SegmentTraining())
    package var work: any AveragedWork { training }

    package init() {}

    package let products = [Product(.network, TrainedSegmenter.family)]

    package func needs(settings: StageSettings) throws -> [StageNeed] {
        let settings = try training.trainer.settings(settings)
        let masks = settings.labels.product.map { [StageNeed($0, takesAnyFamily: true, or: "learn from other `labels`")] }
        return [.studies] + (masks ?? []) + (masks == nil || settings.negativeShare > 0 ? [.labels] : [])
    }

    package func checkFiles(settings: StageSettings) throws {
        let settings = try training.trainer.settings(settings)
        try WeightsFile.look(at: settings.initialCheckpoint, for: .start(of: settings.kind), stage: name)
    }
}
