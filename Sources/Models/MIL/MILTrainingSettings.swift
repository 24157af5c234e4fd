import NeuralNetwork

/// How a MIL network is trained. The defaults are the reference's where it has any.
public struct MILTrainingSettings: Sendable, Hashable, Codable {
    public var optimiser: OptimiserSettings
    /// Weights of the attention's and of DSMIL's loss.
    public var teacherWeights: [Float]
    /// The learning rate of the teachers' own layers, in that of everything else.
    public var teacherRateFactor: Float
    /// w of the student's loss.
    public var negativeWeight: Float
    /// Images that the encoder sees at once; also how many share batch normalisation's statistics.
    public var encoderChunk: Int
    /// Bytes of activations kept for the backward pass; beyond, they are computed twice.
    public var activationBudget: Int
    /// Whether the encoder's batch normalisation uses its running statistics while training.
    public var freezesEncoderBatchNorm: Bool
    /// What the encoder's convolutions multiply in while training; everything else stays fp32. bf16 takes about
    /// half the time where the processor has it.
    public var precision: Precision
    /// Gradients are scaled down to this norm where they exceed it; nil: never.
    public var gradientNormLimit: Float?

    public init(
        optimiser: OptimiserSettings = .sgd(rate: 1e-3), teacherWeights: [Float] = [1, 1], teacherRateFactor: Float = 1,
        negativeWeight: Float = 0.1, encoderChunk: Int = 32, activationBudget: Int = 2 << 30,
        freezesEncoderBatchNorm: Bool = false,
        precision: Precision = .float32, gradientNormLimit: Float? = nil
    ) {
        self.optimiser = optimiser
        self.teacherWeights = teacherWeights
        self.teacherRateFactor = teacherRateFactor
        self.negativeWeight = negativeWeight
        self.encoderChunk = encoderChunk
        self.activationBudget = activationBudget
        self.freezesEncoderBatchNorm = freezesEncoderBatchNorm
        self.precision = precision
        self.gradientNormLimit = gradientNormLimit
    }

    func check() throws {
        var faults: [String] = []
        if !(optimiser.rate >= 0) { faults.append("the learning rate \(optimiser.rate) is not a number ≥ 0") }
        if teacherWeights.count != 2 { faults.append("there are two teachers, but \(teacherWeights.count) weights") }
        if !(teacherRateFactor > 0 && teacherRateFactor.isFinite) {
            faults.append("teacherRateFactor \(teacherRateFactor) is not positive")
        }
        if !(0...1).contains(negativeWeight) { faults.append("negativeWeight \(negativeWeight) lies outside [0, 1]") }
        if encoderChunk < 1 { faults.append("encoderChunk \(encoderChunk) is less than one image") }
        if let limit = gradientNormLimit, !(limit > 0) { faults.append("gradientNormLimit \(limit) is not positive") }
        try precision.requireProcessor(or: "train in float32")
        guard faults.isEmpty else { throw EngineError(.invalidOption, faults.joined(separator: "; ")) }
    }
}
