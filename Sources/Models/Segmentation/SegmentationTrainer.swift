import NeuralNetwork

/// Trains a `SegmentationNetwork`, one batch of images and masks at a time (docs/Method.md, section 5).
///
/// How a stage uses it, on the thread of its compute slot:
///
///     ComputeThreads.set(1)                                        // one slot, one thread
///     let network = try kind.network(dropPath: 0.1, seed: jobSeed) // starting values; then perhaps
///     try network.load(baseParameters)                             // the round's parameters
///     let trainer = try SegmentationTrainer(network, SegmentationTrainingSettings(), seed: f(job, round, replica))
///     let step = try trainer.step(images: images, masks: masks)    // a loss for each scale
///     let result = try network.parameters()                        // delta = result − base
///
/// With one seed, one order of steps and one numeric setup, results are equal to the last bit. `seed` decides which
/// branches are left out (drop path), and nothing else; each step draws anew.
///
/// Not Sendable: a trainer and its network belong to one thread.
public final class SegmentationTrainer {
    public let network: any SegmentationNetwork
    public let settings: SegmentationTrainingSettings
    private let optimiser: Optimiser
    private var seeds: CounterRandom

    /// Throws `EngineError.invalidOption` for settings out of range.
    public init(
        _ network: any SegmentationNetwork, _ settings: SegmentationTrainingSettings = SegmentationTrainingSettings(),
        seed: UInt64
    ) throws {
        try settings.check()
        self.network = network
        self.settings = settings
        optimiser = Optimiser(settings.optimiser, parameters: network.learnt)
        seeds = CounterRandom(seed: seed, stream: network.family.trainingStream)
    }

    /// One scale of a step.
    public struct Step: Sendable, Hashable {
        public let height: Int
        public let width: Int
        /// The network's loss before the step.
        public let loss: Float
    }

    /// Learns from a batch at every scale. `images` is N,H,W,3 normalised by ImageNet's constants, `masks` N,H,W,1 in
    /// [0, 1]; N is at least two, for batch normalisation.
    ///
    /// Throws `EngineError`: `shapeMismatch`; `notFinite` where the loss or a gradient is no number. Of a loss that is none,
    /// nothing is learnt; with a gradient that is none the network is spoilt, since others have been followed by then.
    public func step(images: Tensor, masks: Tensor, rate: Float? = nil) throws -> [Step] {
        guard images.shape.count == 4, images.shape[3] == 3, images.count > 0,
            masks.shape == Array(images.shape.dropLast()) + [1]
        else {
            throw EngineError(
                .shapeMismatch, "images of \(images.shape) and masks of \(masks.shape) are not N,H,W,3 and N,H,W,1")
        }
        let multiple = network.family.sideMultiple
        return try settings.scales.map { scale in
            let height = SegmentationTrainingSettings.scaledSide(images.shape[1], by: scale, multipleOf: multiple)
            let width = SegmentationTrainingSettings.scaledSide(images.shape[2], by: scale, multipleOf: multiple)
            let resizing = ForwardPass(.evaluation)
            let loss = try learn(
                images: resizing.resized(images, height: height, width: width, alignsCorners: true),
                masks: resizing.resized(masks, height: height, width: width, alignsCorners: true), rate: rate)
            return Step(height: height, width: width, loss: loss)
        }
    }

    private func learn(images: Tensor, masks: Tensor, rate: Float?) throws -> Float {
        network.clearGradients()
        let (optimiser, limit) = (optimiser, settings.gradientLimit)
        return try Self.loss(
            of: network, images: images, masks: masks, seed: seeds.next(), precision: settings.precision
        ) { try optimiser.step($0, rate: rate, limit: limit) }
    }

    /// The loss of one batch as it is; its gradients are added to those of the network's parameters, each of which
    /// `completed` gets as `Tape.backward` has it.
    ///
    /// Throws `EngineError.notFinite` for a loss that is no number; there are no gradients then.
    static func loss(
        of network: any SegmentationNetwork, images: Tensor, masks: Tensor, seed: UInt64, precision: Precision,
        completed: ((Parameter) throws -> Void)? = nil
    ) throws -> Float {
        let tape = Tape()
        let maps = try network.maps(images, ForwardPass(.training, recordingOn: tape, seed: seed, precision: precision))
        let loss = try network.loss(of: maps, masks: masks)
        guard loss.value.isFinite else {
            throw EngineError(.notFinite, "loss \(loss.value): lower the learning rate, or check the images")
        }
        try tape.backward(from: zip(maps, loss.gradients).map { ($0, $1) }, completed: completed)
        return loss.value
    }
}
