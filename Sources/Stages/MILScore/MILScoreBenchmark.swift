import Archives
import Foundation
import Models
import NeuralNetwork

/// How many images a second `mil-score` reads, scores and reports on this machine: the stage itself over an archive, in
/// one process, with as many slots as asked for. The network has the method's sizes and random weights.
public enum MILScoreBenchmark {
    public struct Outcome: Sendable, Codable {
        public var images: Int
        public var seconds: Double
        public var imagesPerSecond: Double
        /// Of the encoder's convolutions, for one image.
        public var operationsPerImage: Double
        /// Operations a second, and what matrix products reach on the same threads in the same run.
        public var achieved: Double
        public var peak: Double
        public var shareOfPeak: Double
    }

    /// - Parameters:
    ///   - centres: folders of an archive's centres.
    ///   - shards: how many shards of four studies are scored at most.
    ///   - listing: told of each image with its study, in the order of shards: what a peer has to score.
    public static func run(
        centres: [String: URL], imageSize: Int, precision: MILScoreSettings.Arithmetic, slots: Int, shards: Int,
        listing: (_ study: String, _ image: URL) throws -> Void = { _, _ in }
    ) throws -> Outcome {
        let model = RandomModelStage(imageSize: imageSize)
        let registry = StageRegistry([CatalogueStage(), model, MILScoreStage()])
        let catalogue = LocalRunner(registry: registry, centres: centres, seed: 1, slots: slots)
        try catalogue.run(Pipeline.Step(stage: CatalogueStage().name, settings: StageSettings()))
        try catalogue.run(Pipeline.Step(stage: model.name, settings: StageSettings()))
        var settings = MILScoreSettings()
        settings.studiesPerShard = 4
        settings.precision = precision == .fp32 ? .fp32 : .bf16
        let step = Pipeline.Step(stage: "mil-score", settings: StageSettings(json: try JSONEncoder().encode(settings)))
        try catalogue.store.begin(step, stage: MILScoreStage())
        let plans = Array(try MILScoreStage().plan(round: 0, settings: step.settings, view: catalogue.store).prefix(shards))
        var images = 0
        for plan in plans {
            let input = try StageCoding.decode(MILScoreStage.Input.self, from: plan.input, of: "a benchmark's shard")
            guard let folder = centres[input.centre] else { continue }
            let index = try CentreArchive(name: input.centre, directory: folder).index()
            for bag in input.bags {
                images += bag.images.count
                for image in bag.images { try listing(bag.study, index.imageURL(study: bag.study, image: image)) }
            }
        }
        // Kernels are compiled and weights packed before the clock runs, as in a worker that has been up for a while.
        try catalogue.map(Array(plans.prefix(slots)), ofStage: step.stage)
        let start = ContinuousClock.now
        try catalogue.map(plans, ofStage: step.stage)
        let elapsed = ContinuousClock.now - start
        let seconds = Double(elapsed.components.seconds) + Double(elapsed.components.attoseconds) * 1e-18
        let operations = try ResNet(.resNet18, seed: 0).operations(height: imageSize, width: imageSize)
        let peak = try PeakArithmetic.measured(precision.precision, threads: slots)
        let achieved = operations * Double(images) / seconds
        return Outcome(
            images: images, seconds: seconds, imagesPerSecond: Double(images) / seconds, operationsPerImage: operations,
            achieved: achieved, peak: peak, shareOfPeak: achieved / peak)
    }
}

/// Stands where a training does and leaves a network of random weights.
private struct RandomModelStage: Stage {
    let name = "random-network"
    let products = [Product(.network, TrainedModel.family)]
    let imageSize: Int

    func plan(round: Int, settings: StageSettings, view: any PlanningView) throws -> [ShardPlan] { [] }
    func map(_ shard: ShardInput, context: any MapContext) throws -> ShardOutput { ShardOutput() }

    func reduce(
        round: Int, records: [ShardRecord], settings: StageSettings, view: any PlanningView
    ) throws -> RoundOutcome {
        var settings = MILTrainSettings()
        settings.imageSize = imageSize
        let network = try MILNetwork(MILConfiguration(), seed: 1)
        return RoundOutcome(
            model: try network.parameters().encoded(), metrics: try TrainedModel.metrics(of: settings), isFinal: true)
    }
}
