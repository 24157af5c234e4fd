import Foundation
import NeuralNetwork

/// Trains a `MILNetwork`, one step at a time: a bag a step in the teacher phase, a batch of images in the student
/// phase (docs/Method.md, section 2).
///
/// How a stage uses it, on the thread of its compute slot:
///
///     ComputeThreads.set(1)                                       // one slot, one thread
///     let network = try MILNetwork(configuration, seed: jobSeed)  // starting values; then perhaps
///     try network.load(baseParameters)                            // the round's parameters
///     let trainer = try MILTrainer(network, MILTrainingSettings(), seed: f(job, round, replica))
///     let images = try Tensor.images(rgb: bytes, count: n, height: 512, width: 512, normalisation: n)
///     let step = try trainer.teacherStep(bag: images, label: 1)   // loss, bag probabilities, image scores
///     let step = try trainer.studentStep(images: batch, targets: pseudoLabels)
///     let seen = try trainer.evaluate(images: bag)                // no learning, no dropout, running statistics
///     let result = try network.parameters()                       // delta = result − base
///
/// With one seed, one order of steps and one numeric setup, results are equal to the last bit. `seed` decides
/// dropout only; each step draws anew.
///
/// **Memory.** A bag is encoded in chunks of `settings.encoderChunk` images. Where the activations of all chunks
/// fit `settings.activationBudget`, they are kept; otherwise chunks are encoded once to get the features and
/// once more to carry gradients back. Both ways give the same numbers. In training, batch normalisation of the
/// encoder takes its statistics over a chunk, not over the bag: a bag of at most `encoderChunk` images is
/// trained exactly as in the reference. `freezesEncoderBatchNorm` takes the running statistics instead.
///
/// Not Sendable: a trainer and its network belong to one thread.
public final class MILTrainer {
    public let network: MILNetwork
    public let settings: MILTrainingSettings
    private let teacherOptimiser: Optimiser
    private let studentOptimiser: Optimiser
    private var seeds: CounterRandom

    /// Throws `EngineError.invalidOption` for settings out of range.
    public init(_ network: MILNetwork, _ settings: MILTrainingSettings = MILTrainingSettings(), seed: UInt64) throws {
        try settings.check()
        self.network = network
        self.settings = settings
        teacherOptimiser = Optimiser(
            settings.optimiser,
            groups: [
                Optimiser.Group(network.encoder.learnt),
                Optimiser.Group(network.attention.learnt + network.dsmil.learnt, rateFactor: settings.teacherRateFactor),
            ])
        studentOptimiser = Optimiser(settings.optimiser, parameters: network.encoder.learnt + network.student.learnt)
        seeds = CounterRandom(seed: seed, stream: "MILTrainer")
        network.encoder.freezesBatchNorm = settings.freezesEncoderBatchNorm
    }

    /// What both teachers say of one bag.
    public struct TeacherStep: Sendable {
        public let loss: Float
        public let attention: MILBagOutput
        public let dsmil: MILBagOutput
    }

    /// What the student says of a batch of images.
    public struct StudentStep: Sendable {
        public let loss: Float
        /// Of class 1, before the step, with dropout.
        public let probabilities: [Float]
    }

    /// One step of encoder and teachers on one bag. `bag` is n,H,W,3 with n ≥ 2, `label` 0 or 1.
    ///
    /// Throws `EngineError`: `shapeMismatch`; `notFinite` where the loss or a gradient is no number, and then
    /// learnt parameters are as before.
    public func teacherStep(bag: Tensor, label: Int, rate: Float? = nil) throws -> TeacherStep {
        try teacherStep(bags: [(bag, label)], rate: rate)[0]
    }

    /// One step of encoder and teachers on several bags: their images are encoded together, so that batch normalisation
    /// of the encoder and of the attention teacher sees all of them; the loss is the mean over bags.
    ///
    /// - Parameter teachesEncoder: whether the encoder learns from the teachers, too.
    ///
    /// Throws as `teacherStep(bag:label:)`.
    public func teacherStep(
        bags: [(images: Tensor, label: Int)], rate: Float? = nil, teachesEncoder: Bool = true
    ) throws -> [TeacherStep] {
        guard !bags.isEmpty,
            bags.allSatisfy({ $0.images.shape.count == 4 && $0.images.shape[0] >= 2 && (0...1).contains($0.label) })
        else {
            throw EngineError(
                .shapeMismatch,
                "bags to learn from have at least two images each and label 0 or 1; got \(bags.map { ($0.images.shape, $0.label) })")
        }
        network.clearGradients()
        let images = bags.count == 1 ? bags[0].images : try Tensor.concatenated(bags.map(\.images))
        let encoding = try ChunkedEncoding(network.encoder, images, settings: settings, isRecorded: teachesEncoder)
        let (steps, gradient) = try teach(encoding.features, bags.map { ($0.images.shape[0], $0.label) })
        if teachesEncoder { try encoding.backward(gradient) }
        try finish(teacherOptimiser, loss: steps.reduce(0) { $0 + $1.loss } / Float(bags.count), rate: rate)
        return steps
    }

    /// Both teachers on the features of some bags, one after the other: gradients of the mean loss go to their parameters,
    /// that of the features is returned.
    private func teach(_ features: Tensor, _ bags: [(count: Int, label: Int)]) throws -> ([TeacherStep], Tensor) {
        let tape = Tape()
        tape.watch(features)
        let pass = ForwardPass(.training, recordingOn: tape, seed: seeds.next())
        var ranges: [Range<Int>] = []
        for bag in bags { ranges.append((ranges.last?.upperBound ?? 0)..<(ranges.last?.upperBound ?? 0) + bag.count) }
        let attention = try network.attention(features, bags: ranges, pass)
        let share = 1 / Float(bags.count)
        let (first, second) = (settings.teacherWeights[0], settings.teacherWeights[1])
        var steps: [TeacherStep] = []
        var roots: [(Tensor, Tensor)] = []
        for ((bag, range), attention) in zip(zip(bags, ranges), attention) {
            let dsmil = try network.dsmil(bags.count == 1 ? features : pass.gathered(features, rows: Array(range)), pass)
            let attentionLoss = try MILLosses.attention(attention.bagLogits, label: bag.label)
            let dsmilLoss = try MILLosses.dsmil(dsmil, label: bag.label)
            roots += [
                (attention.bagLogits, try attentionLoss.gradient.scaled(by: first * share)),
                (dsmil.bagLogits, try dsmilLoss.bag.scaled(by: second * share)),
                (dsmil.instanceLogits, try dsmilLoss.instances.scaled(by: second * share)),
            ]
            steps.append(
                TeacherStep(
                    loss: first * attentionLoss.value + second * dsmilLoss.value, attention: MILBagOutput(attention),
                    dsmil: MILBagOutput(dsmil)))
        }
        try tape.backward(from: roots)
        return (steps, try tape.gradient(of: features) ?? Tensor.zeros(features.shape))
    }

    /// One step of encoder and student. `images` is b,H,W,3, `targets` one pseudo-label in [0, 1] for each.
    public func studentStep(images: Tensor, targets: [Float], rate: Float? = nil) throws -> StudentStep {
        try studentStep(images: images, rate: rate) { _ in targets }
    }

    /// As above, with targets made from what the teachers say of this very batch, taken for one bag: in training
    /// mode and without gradient, as the reference does.
    public func studentStep(
        images: Tensor, rate: Float? = nil, targets: (_ scores: TeacherScores) throws -> [Float]
    ) throws -> StudentStep {
        network.clearGradients()
        let encoding = try ChunkedEncoding(network.encoder, images, settings: settings)
        let scores = TeacherScores(network: network, features: encoding.features, seed: seeds.next())
        let targets = try targets(scores)
        let tape = Tape()
        tape.watch(encoding.features)
        let pass = ForwardPass(.training, recordingOn: tape, seed: seeds.next())
        let logits = try network.student(encoding.features, pass)
        let loss = try MILLosses.student(logits, targets: targets, negativeWeight: settings.negativeWeight)
        try tape.backward(from: [(logits, loss.gradient)])
        if let gradient = tape.gradient(of: encoding.features) { try encoding.backward(gradient) }
        try finish(studentOptimiser, loss: loss.value, rate: rate)
        return StudentStep(loss: loss.value, probabilities: MILLosses.positiveProbabilities(logits))
    }

    /// What the network says of a bag without learning from it. Any number of images from one on.
    public func evaluate(images: Tensor) throws -> MILEvaluation {
        try network.evaluate(images: images, chunk: settings.encoderChunk)
    }

    private func finish(_ optimiser: Optimiser, loss: Float, rate: Float?) throws {
        let norm = optimiser.gradientNorm()
        guard loss.isFinite, norm.isFinite else {
            network.clearGradients()
            throw EngineError(
                .notFinite, "loss \(loss), gradient norm \(norm): lower the learning rate, or check the images")
        }
        if let limit = settings.gradientNormLimit { optimiser.scaleGradients(ofNorm: norm, to: limit) }
        try optimiser.step(rate: rate)
    }
}
