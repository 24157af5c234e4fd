/// Batch normalisation over all dimensions but the last: of feature maps (N,H,W,C) and of vectors (N,C) alike.
public final class BatchNorm: Module {
    public let weight: Parameter
    public let bias: Parameter
    public let runningMean: Parameter
    public let runningVariance: Parameter
    public let epsilon: Float
    public let momentum: Float
    /// Frozen: normalises by the running statistics in training too, and teaches them nothing.
    public var isFrozen = false

    public init(_ channels: Int, epsilon: Float = 1e-5, momentum: Float = 0.1) throws {
        weight = try Parameter(shape: [channels], repeating: 1)
        bias = try Parameter(shape: [channels])
        runningMean = try Parameter(shape: [channels], isBuffer: true)
        runningVariance = try Parameter(shape: [channels], repeating: 1, isBuffer: true)
        self.epsilon = epsilon
        self.momentum = momentum
    }

    /// Normalises, then adds a residual, then applies ReLU, as asked for. Hands on fp32, or bf16 if so said for a ReLU behind
    /// a bf16 tensor.
    public func callAsFunction(
        _ x: Tensor, _ pass: ForwardPass, adding residual: Tensor? = nil, relu: Bool = false, result: Precision = .float32
    ) throws -> Tensor {
        let state = BatchNormalisationState(
            weight: weight, bias: bias, runningMean: runningMean, runningVariance: runningVariance, epsilon: epsilon,
            momentum: momentum)
        return try pass.batchNormalised(
            x, state, usesBatch: pass.mode == .training && !isFrozen, adding: residual, relu: relu, result: result)
    }

    public func forEachParameter(_ prefix: String, _ body: (String, Parameter) throws -> Void) rethrows {
        try body(joinedName(prefix, "weight"), weight)
        try body(joinedName(prefix, "bias"), bias)
        try body(joinedName(prefix, "running_mean"), runningMean)
        try body(joinedName(prefix, "running_var"), runningVariance)
    }
}

extension BatchNorm {
    /// What normalising by the running statistics multiplies each channel by, and what it adds.
    var foldedScaleAndShift: (scale: [Float], shift: [Float]) {
        let (weight, bias) = (self.weight.values, self.bias.values)
        let (mean, variance) = (runningMean.values, runningVariance.values)
        let scale = weight.indices.map { weight[$0] / (variance[$0] + epsilon).squareRoot() }
        return (scale, scale.indices.map { bias[$0] - mean[$0] * scale[$0] })
    }
}
