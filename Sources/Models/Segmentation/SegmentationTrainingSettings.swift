import NeuralNetwork

/// How a segmentation network is trained. The defaults are the method's (docs/Method.md, section 5).
public struct SegmentationTrainingSettings: Sendable, Hashable, Codable {
    public var optimiser: OptimiserSettings
    /// Each number of a gradient is brought into ±this before a step.
    public var gradientLimit: Float
    /// Every batch is learnt from at these multiples of its size, one optimiser step each, in this order.
    public var scales: [Float]
    /// What convolutions and linear layers multiply in; everything else stays fp32.
    public var precision: Precision

    public init(
        optimiser: OptimiserSettings = .adamW(rate: 1e-4, weightDecay: 1e-4), gradientLimit: Float = 0.5,
        scales: [Float] = [0.75, 1, 1.25], precision: Precision = .float32
    ) {
        self.optimiser = optimiser
        self.gradientLimit = gradientLimit
        self.scales = scales
        self.precision = precision
    }

    /// A side's length at a scale: a multiple of what the network asks for, and not below 32.
    public static func scaledSide(_ side: Int, by scale: Float, multipleOf multiple: Int) -> Int {
        // Halves go to the even multiple, as Python rounds.
        let rounded = Int((Float(side) * scale / Float(multiple)).rounded(.toNearestOrEven))
        return max((32 + multiple - 1) / multiple, rounded) * multiple
    }

    func check() throws {
        var faults: [String] = []
        if !(optimiser.rate >= 0) { faults.append("the learning rate \(optimiser.rate) is not a number ≥ 0") }
        if !(gradientLimit > 0) { faults.append("gradientLimit \(gradientLimit) is not positive") }
        if scales.isEmpty || !scales.allSatisfy({ $0 > 0 && $0 <= 8 }) {
            faults.append("scales \(scales) are not one or more numbers in (0, 8]")
        }
        try precision.requireProcessor(or: "train in float32")
        guard faults.isEmpty else { throw EngineError(.invalidOption, faults.joined(separator: "; ")) }
    }
}
