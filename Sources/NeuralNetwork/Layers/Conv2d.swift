/// A 2-D convolution with its weights.
public final class Conv2d: Module {
    public let weight: Parameter
    public let bias: Parameter?
    public let geometry: ConvolutionGeometry
    let folding = ConvolutionFolding()

    /// `inputs` and `outputs` are channels; the kernel is square.
    public init(
        _ inputs: Int, _ outputs: Int, kernel: Int, geometry: ConvolutionGeometry, hasBias: Bool = false
    ) throws {
        weight = try Parameter(shape: [outputs, inputs / max(1, geometry.groups), kernel, kernel])
        bias = hasBias ? try Parameter(shape: [outputs]) : nil
        self.geometry = geometry
    }

    public func callAsFunction(_ x: Tensor, _ pass: ForwardPass) throws -> Tensor {
        try self(x, pass, norm: nil)
    }

    /// activation(norm(convolution(x)) + addend): N,H,W,inputs to N,H′,W′,outputs. One kernel in an inference pass, which
    /// hands on `result` (the pass's own precision unless said); the same numbers step by step in any other, which hands on
    /// fp32 unless `result` says bf16 for a ReLU behind a normalisation. `overwriting` says that nobody else needs the
    /// addend: an inference pass may then put the result into its memory.
    public func callAsFunction(
        _ x: Tensor, _ pass: ForwardPass, norm: BatchNorm?, activation: PostOperation = .none,
        adding addend: Tensor? = nil, overwriting: Bool = false, result: Precision? = nil
    ) throws -> Tensor {
        if pass.isInference {
            return try pass.fusedConvolution(
                x, self, norm: norm, activation: activation, adding: addend, overwriting: overwriting,
                result: result ?? addend?.precision ?? pass.activationPrecision)
        }
        if let norm {
            let y = try pass.convolution(
                x, weight: weight, bias: bias, geometry: geometry, result: pass.precisionWithinBlock)
            let normed = try norm(
                y, pass, adding: addend, relu: activation == .relu,
                result: activation == .relu && y.precision == .bfloat16 ? result ?? .float32 : .float32)
            return activation == .relu ? normed : try pass.activated(normed, activation)
        }
        var y = try pass.convolution(x, weight: weight, bias: bias, geometry: geometry)
        if let addend { y = try pass.sum(y, addend) }
        return try pass.activated(y, activation)
    }

    public func forEachParameter(_ prefix: String, _ body: (String, Parameter) throws -> Void) rethrows {
        try body(joinedName(prefix, "weight"), weight)
        if let bias { try body(joinedName(prefix, "bias"), bias) }
    }
}
