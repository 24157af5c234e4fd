import Foundation
import NeuralNetwork

/// Trains a `BiopsyNetwork`, one batch of images and classes at a time.
///
/// With one seed, one order of steps and one numeric setup, results are equal to the last bit.
/// Not Sendable: a trainer and its network belong to one thread.
public final class BiopsyTrainer {
    public let network: BiopsyNetwork
    private let optimiser: Optimiser
    private let precision: Precision
    private let teachesEncoder: Bool
    private var seeds: CounterRandom
    /// Keeps logarithms finite, as in the reference.
    private static let epsilon = 1e-5

    /// - Parameters:
    ///   - teachesEncoder: otherwise the head alone learns, and the encoder keeps its running statistics.
    ///   - freezesBatchNorm: whether the encoder's batch normalisation uses its running statistics while it learns: a little
    ///     pathology makes poor statistics.
    public init(
        _ network: BiopsyNetwork, _ settings: OptimiserSettings, teachesEncoder: Bool, freezesBatchNorm: Bool,
        precision: Precision, seed: UInt64
    ) throws {
        try precision.requireProcessor(or: "train in float32")
        self.network = network
        self.precision = precision
        self.teachesEncoder = teachesEncoder
        optimiser = Optimiser(settings, parameters: teachesEncoder ? network.learnt : network.head.learnt)
        network.encoder.freezesBatchNorm = freezesBatchNorm
        seeds = CounterRandom(seed: seed, stream: "BiopsyTrainer")
    }

    /// Learns from a batch: `images` is N,H,W,3 normalised, with N ≥ 2 for batch normalisation; `classes` 0 or 1 for each,
    /// `weights` what each counts.
    /// - Returns: the loss before the step: −Σ w·log(p_class + 1e-5) / Σ w.
    /// - Throws: `EngineError`: `shapeMismatch`; `notFinite` where loss or gradient is no number, and then nothing is learnt.
    public func step(images: Tensor, classes: [Int], weights: [Float], rate: Float) throws -> Float {
        guard images.shape.count == 4, images.shape[0] == classes.count, classes.count == weights.count, classes.count >= 2,
            classes.allSatisfy((0..<BiopsyHead.classCount).contains), weights.allSatisfy({ $0 > 0 })
        else {
            throw EngineError(.shapeMismatch, "\(classes.count) classes and \(weights.count) weights for images of \(images.shape)")
        }
        network.clearGradients()
        let tape = Tape()
        let pass = ForwardPass(.training, recordingOn: tape, seed: seeds.next(), precision: precision)
        let features =
            try teachesEncoder
            ? network.encoder.features(images, pass)
            : network.encoder.features(images, ForwardPass(inferringIn: precision, nil))
        let logits = try network.head(features, pass)
        let loss = try Self.loss(logits, classes: classes, weights: weights)
        try tape.backward(from: [(logits, loss.gradient)])
        let norm = optimiser.gradientNorm()
        guard loss.value.isFinite, norm.isFinite else {
            network.clearGradients()
            throw EngineError(.notFinite, "loss \(loss.value), gradient norm \(norm): lower the learning rate, or check the images")
        }
        try optimiser.step(rate: rate)
        return loss.value
    }

    static func loss(_ logits: Tensor, classes: [Int], weights: [Float]) throws -> LossGradient {
        let total = weights.reduce(0) { $0 + Double($1) }
        var sum = 0.0
        let gradient = try Tensor.filled(logits.shape) { gradient in
            logits.withValues { logits in
                for (row, wanted) in classes.enumerated() {
                    // p of the wanted class of two.
                    let other = Double(logits[2 * row + 1 - wanted]) - Double(logits[2 * row + wanted])
                    let p = 1 / (1 + exp(other))
                    let share = Double(weights[row]) / total
                    sum -= share * log(p + epsilon)
                    let slope = Float(-share * p * (1 - p) / (p + epsilon))
                    gradient[2 * row + wanted] = slope
                    gradient[2 * row + 1 - wanted] = -slope
                }
            }
        }
        return LossGradient(value: Float(sum), gradient: gradient)
    }
}
