import Foundation
import NeuralNetwork

/// How a ToCo network is trained. The defaults are the reference's.
public struct ToCoTrainingSettings: Sendable, Hashable, Codable {
    /// How much each loss counts.
    public struct Weights: Sendable, Hashable, Codable {
        public var classification: Float = 1
        public var auxiliary: Float = 1
        public var patchContrast: Float = 0.2
        /// 0.5 in ToCo's own run, where there are local crops.
        public var classContrast: Float = 0
        public var segmentation: Float = 0.1
        public var dice: Float = 0.1

        public init() {}
    }

    public var weights = Weights()
    /// AdamW's rate for the encoder; that of classifiers, decoder and projections is `headFactor` times it.
    public var rate: Float = 6e-5
    public var headFactor: Float = 10
    public var weightDecay: Float = 0.01
    /// Iterations in which the rate rises from `warmUpStart` of itself, and those after which it would be zero.
    public var warmUp = 1_500
    public var warmUpStart = 1e-6
    public var iterations = 80_000
    /// The rate falls as (1 − iteration / iterations) to this power.
    public var decayPower = 0.9
    /// The first iteration that teaches the decoder, and the first for which the main maps give its target.
    public var segmentationStart = 1_000
    public var mainMapStart = 12_000
    /// The first iteration that contrasts patches: 0 in the reference, whose encoder has been trained before. Maps of an
    /// encoder that knows nothing have a foreground as well, and contrast then teaches it to be right.
    public var patchContrastStart = 0
    public var pseudoLabels = PseudoLabels()
    public var maps = MultiScaleMaps.training
    public var crops = LocalCrops()
    public var contrast = ClassTokenContrast()
    /// What crops are contrasted with besides the image itself.
    public var secondView = GlobalView()
    /// How much of itself the teacher's projection keeps at each step.
    public var teacherMomentum: Float = 0.99
    /// The regularised loss of the decoder; nil: not used.
    public var energy: DenseEnergy?
    /// What layers multiply in while learning, and while making maps for targets. Losses and refinement are fp32.
    public var precision = Precision.float32
    public var mapPrecision = Precision.float32

    public init() {}

    /// The encoder's rate at an iteration, counted from 0.
    public func rate(at iteration: Int) -> Float {
        if iteration < warmUp {
            let share = 1 - (1 - Double(iteration) / Double(warmUp)) * (1 - warmUpStart)
            return rate * Float(share)
        }
        let left = max(0, 1 - Double(iteration) / Double(max(1, iterations)))
        return rate * Float(pow(left, decayPower))
    }

    /// Throws `EngineError`: `invalidOption` that lists everything out of range; `unsupported` for bf16 on a processor
    /// without it.
    func check(for network: ToCoConfiguration) throws {
        var faults: [String] = []
        if !(rate >= 0) { faults.append("the learning rate \(rate) is not a number ≥ 0") }
        if !(headFactor >= 0) { faults.append("headFactor \(headFactor) is not a number ≥ 0") }
        if warmUp < 0 || iterations < 1 { faults.append("warmUp \(warmUp), iterations \(iterations): give 0 and 1 or more") }
        if !(0...1).contains(pseudoLabels.low) || !(pseudoLabels.low...1).contains(pseudoLabels.high) {
            faults.append("thresholds \(pseudoLabels.low) and \(pseudoLabels.high) are not 0 ≤ low ≤ high ≤ 1")
        }
        if pseudoLabels.reduction < 1 { faults.append("reduction \(pseudoLabels.reduction) is less than 1") }
        if maps.scales.isEmpty || !maps.scales.allSatisfy({ $0 > 0 }) { faults.append("scales \(maps.scales) are not positive") }
        if !(0...1).contains(teacherMomentum) { faults.append("teacherMomentum \(teacherMomentum) lies outside [0, 1]") }
        if let fault = secondView.fault { faults.append(fault) }
        if !(contrast.temperature > 0) { faults.append("temperature \(contrast.temperature) is not positive") }
        if weights.classContrast != 0, !network.hasProjections {
            faults.append("the class-token contrast needs projection heads: set hasProjections, or its weight to 0")
        }
        for precision in [precision, mapPrecision] { try precision.requireProcessor(or: "train in float32") }
        guard faults.isEmpty else { throw EngineError(.invalidOption, faults.joined(separator: "; ")) }
    }
}
