import NeuralNetwork

/// Trains a `PolypPVT`, one batch of images and masks at a time (docs/Method.md, section 5).
///
/// How a stage uses it, on the thread of its compute slot:
///
///     ComputeThreads.set(1)                                        // one slot, one thread
///     let network = try PolypPVT(.b2, seed: jobSeed)               // starting values; then perhaps
///     try network.load(baseParameters)                             // the round's parameters
///     let trainer = try PolypPVTTrainer(network, PolypPVTTrainingSettings(), seed: f(job, round, replica))
///     let step = try trainer.step(images: images, masks: masks)    // a loss for each scale
///     let result = try network.parameters()                        // delta = result − base
///
/// With one seed, one order of steps and one numeric setup, results are equal to the last bit. `seed` decides which
/// branches are left out (drop path), and nothing else; each step draws anew.
///
/// Not Sendable: a trainer and its network belong to one thread.
public final class PolypPVTTrainer {
    public let network: PolypPVT
    public let settings: PolypPVTTrainingSettings
    private let optimiser: Optimiser
    private var seeds: CounterRandom

    /// Throws `EngineError.invalidOption` for settings out of range.
    public init(
        _ network: PolypPVT, _ settings: PolypPVTTrainingSettings = PolypPVTTrainingSettings(), seed: UInt64
    ) throws {
        try settings.check()
        self.network = network
        self.settings = settings
        optimiser = Optimiser(settings.optimiser, parameters: network.learnt)
        seeds = CounterRandom(seed: seed, stream: "PolypPVTTrainer")
    }

    /// One scale of a step.
    public struct Step: Sendable, Hashable {
        public let height: Int
        public let width: Int
        /// The sum of both outputs' structure losses before the step.
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
        return try settings.scales.map { scale in
            let height = PolypPVTTrainingSettings.scaledSide(images.shape[1], by: scale)
            let width = PolypPVTTrainingSettings.scaledSide(images.shape[2], by: scale)
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
        of network: PolypPVT, images: Tensor, masks: Tensor, seed: UInt64, precision: Precision,
        completed: ((Parameter) throws -> Void)? = nil
    ) throws -> Float {
        let tape = Tape()
        let outputs = try network(
            images, ForwardPass(.training, recordingOn: tape, seed: seed, precision: precision))
        let loss = try StructureLoss(masks: masks)
        let (first, second) = try (loss(outputs.first), loss(outputs.second))
        let value = first.value + second.value
        guard value.isFinite else {
            throw EngineError(.notFinite, "loss \(value): lower the learning rate, or check the images")
        }
        try tape.backward(
            from: [(outputs.first, first.gradient), (outputs.second, second.gradient)], completed: completed)
        return value
    }
}
