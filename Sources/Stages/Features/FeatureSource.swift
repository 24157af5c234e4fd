import Digest
import Foundation
import NeuralNetwork

/// The features that a step reads: what an earlier step of the pipeline left.
struct FeatureSource {
    /// Numbers an image.
    let length: Int
    let statistics: FeatureStatistics
    /// How images were brought to the encoder (`TrainedModel.metrics`).
    private let metrics: [String: Double]
    private let contents: [[String]: SHA256Digest]
    /// What the step left: the encoder, and its statistics.
    private let model: ParameterSet

    /// - Throws: `StageError.missingInput` where no step left any.
    init(for stage: String, view: any PlanningView) throws {
        guard let source = view.source(.features), let model = try view.model(ofStep: source.name, startingRound: nil) else {
            throw StageError(.missingInput, "stage \(stage) needs features: put a step that makes them before it")
        }
        self.model = try ParameterSet(decoding: try view.content(model))
        guard let statistics = FeatureStatistics(in: self.model) else {
            throw StageError(.missingInput, "step \(source.name) left an encoder without the statistics of its features")
        }
        self.statistics = statistics
        length = statistics.mean.count
        metrics = try view.metrics(ofStep: source.name, round: 0)
        contents = Dictionary(
            try view.features(ofStep: source.name).map { ([$0.centre, $0.study], $0.content) },
            uniquingKeysWith: { first, _ in first })
    }

    /// The encoder, under its own names.
    func encoder() throws -> ParameterSet { try model.below("encoder.") }

    /// The numbers by which a network's input is known (`TrainedModel.metrics`).
    var input: [String: Double] { metrics.filter { $0.key.hasPrefix("input.") } }

    /// Refuses features of another encoder than a network has, or of images brought to it otherwise: its heads would read
    /// numbers that mean something else.
    /// - Throws: `StageError.parameters`.
    func requireEncoder(of model: TrainedModel, for stage: String, view: any PlanningView) throws {
        let network = try ParameterSet(decoding: try view.content(model.parameters))
        let colours = try StageError.naming { try ColourNormalisation(mean: model.mean, deviation: model.deviation) }
        guard try network.below("encoder.") == encoder(), input == TrainedModel.metrics(side: model.imageSize, colours: colours) else {
            throw StageError(
                .parameters,
                "stage \(stage): the network has another encoder, or reads images of another size or other colours, than the features were made with: "
                    + "let it look at images (`input: \"images\"`), or make features with its own weights")
        }
    }

    /// The content of a study's features; nil where none of its images could be read.
    func content(_ centre: String, _ study: String) -> SHA256Digest? { contents[[centre, study]] }

    /// Bags with their features; those without any are left out.
    func attached(to list: BagList, view: any PlanningView) throws -> BagList {
        var list = list
        list.features = BagList.Features(
            length: length, statistics: try view.store(try ParameterSet(entries: statistics.entries).encoded()))
        list.bags = list.bags.compactMap { bag in
            guard let content = content(list.centre, bag.study) else { return nil }
            var bag = bag
            bag.features = content
            return bag
        }
        return list
    }
}
