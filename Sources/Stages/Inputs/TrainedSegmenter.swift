import Digest
import Models
import NeuralNetwork

/// What `segment-train` leaves for the stages after it, or a file that they are given: a segmentation network's parameters,
/// which it is, and the side of its input.
package struct TrainedSegmenter: ImageStageModel, Hashable {
    var parameters: SHA256Digest
    package var parametersOrNone: SHA256Digest? { parameters }
    var imageSize: Int
    /// Nil for the usual one, as in shards that were planned before there was a choice.
    private var other: SegmentationName?

    var network: SegmentationName { other ?? .usual }

    /// By which steps find it.
    static let family = "segmentation"

    /// The numbers of a round by which later stages know the network and its input.
    static func metrics(of settings: SegmentTrainSettings) -> [String: Double] {
        ["input.size": Double(settings.imageSize), SegmentationName(settings.family).mark: 1]
    }

    private init(parameters: SHA256Digest, network: SegmentationName, imageSize: Int) {
        (self.parameters, self.imageSize) = (parameters, imageSize)
        other = network == .usual ? nil : network
    }

    /// Of the file where one is named, else what this job trained. The file's parameters are stored, for shards to name.
    /// - Throws: `StageError.missingInput` when nothing was trained in this job, `.parameters` for a file that does not fit.
    init(view: any PlanningView, stage: String, weights: String?, imageSize: Int?) throws {
        if let weights {
            let file = try WeightsFile(weights, stage: stage)
            self = try WeightsFile.naming(stage) {
                let (set, kind) = try file.segmentation()
                let side = try file.outline.imageSize(imageSize, method: kind.family.recipe.imageSize)
                let multiple = kind.family.sideMultiple
                guard side % multiple == 0 else {
                    throw StageError(.invalidSettings, "imageSize is a multiple of \(multiple) for \(kind.title)")
                }
                return try TrainedSegmenter(
                    parameters: view.store(set.encoded()), network: SegmentationName(kind.family), imageSize: side)
            }
            return
        }
        let (parameters, metrics) = try view.trainedNetwork(for: stage)
        guard let size = metrics["input.size"].flatMap(Int.init(exactly:)) else {
            throw StageError(.missingInput, "stage \(stage): the trained network does not say what images it takes")
        }
        self.init(parameters: parameters, network: SegmentationName(markedIn: metrics) ?? .usual, imageSize: size)
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
