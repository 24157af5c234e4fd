import Digest
import Models
import NeuralNetwork

/// What `segment-train` leaves for the stages after it, or a file that they are given: a Polyp-PVT's parameters, and the
/// side of its input.
package struct TrainedSegmenter: ImageStageModel, Hashable {
    var parameters: SHA256Digest
    package var parametersOrNone: SHA256Digest? { parameters }
    var imageSize: Int

    /// By which steps find it.
    static let family = "polyp-pvt"

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
        let (parameters, metrics) = try view.trainedNetwork(for: stage)
        guard let size = metrics["input.size"].flatMap(Int.init(exactly:)) else {
            throw StageError(.missingInput, "stage \(stage): the trained network does not say what images it takes")
        }
        (self.parameters, self.imageSize) = (parameters, size)
    }
}

extension PlanningView {
    /// The network that the step's source trained, and the numbers of its first round, which say what it takes.
    /// - Throws: `StageError.missingInput` when nothing was trained for it.
    func trainedNetwork(for stage: String) throws -> (parameters: SHA256Digest, metrics: [String: Double]) {
        guard let source = source(.network), let parameters = try model(ofStep: source.name, startingRound: nil) else {
            throw StageError(
                .missingInput, "stage \(stage) needs a trained network: put its training before it, or name a file in `weights`")
        }
        return (parameters, try metrics(ofStep: source.name, round: 0))
    }
}
