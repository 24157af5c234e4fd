import Digest
import Models
import NeuralNetwork

/// What `segment-train` leaves for the stages after it, or a file that they are given: a Polyp-PVT's parameters, and the
/// side of its input.
struct TrainedSegmenter: Codable, Hashable {
    var parameters: SHA256Digest
    var imageSize: Int

    /// Of the file where one is named, else what this job trained. The file's parameters are stored, for shards to name.
    /// - Throws: `StageError.missingInput` when nothing was trained in this job, `.parameters` for a file that does not fit.
    init(view: any PlanningView, stage: String, weights: String?, imageSize: Int?) throws {
        if let weights {
            let file = try WeightsFile(weights, stage: stage)
            (parameters, self.imageSize) = try WeightsFile.naming(stage) {
                let set = try file.polypPVT().parameters
                let size = try file.outline.imageSize(imageSize, method: SegmentTrainSettings().imageSize)
                guard size % 32 == 0 else { throw StageError(.invalidSettings, "imageSize is a multiple of 32") }
                return (try view.store(set.encoded()), size)
            }
            return
        }
        let metrics = try view.metrics(ofStage: SegmentTrainStage.stageName, round: 0)
        guard let parameters = try view.model(ofStage: SegmentTrainStage.stageName, startingRound: nil),
            let size = metrics["input.size"].flatMap(Int.init(exactly:))
        else {
            throw StageError(
                .missingInput,
                "stage \(stage) needs a trained network: put \(SegmentTrainStage.stageName) before it, or name a file in `weights`"
            )
        }
        (self.parameters, self.imageSize) = (parameters, size)
    }
}
