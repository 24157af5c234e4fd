import NeuralNetwork

/// One transformer block: attention, then a two-layer MLP with a 3×3 depthwise convolution and GELU in between; both on
/// normalised tokens, both added to what they read.
final class PVTBlock: Module {
    let norms: [LayerNorm]
    let attention: PVTAttention
    let widening: Linear
    let depthwise: Conv2d
    let narrowing: Linear
    /// The probability with which a branch is left out of an image while training.
    let dropPath: Float

    init(width: Int, heads: Int, reduction: Int, expansion: Int, dropPath: Float) throws {
        norms = [try LayerNorm(width, epsilon: 1e-6), try LayerNorm(width, epsilon: 1e-6)]
        attention = try PVTAttention(width: width, heads: heads, reduction: reduction)
        let hidden = width * expansion
        widening = try Linear(width, hidden)
        depthwise = try Conv2d(
            hidden, hidden, kernel: 3, geometry: ConvolutionGeometry(padding: 1, groups: hidden), hasBias: true)
        narrowing = try Linear(hidden, width)
        self.dropPath = dropPath
    }

    /// N,H,W,C to N,H,W,C. An inference pass uses the memory of `x` for the result.
    func callAsFunction(_ x: Tensor, _ pass: ForwardPass) throws -> Tensor {
        let y = try added(to: x, pass) { try attention(norms[0](x, pass), pass, adding: $0) }
        return try added(to: y, pass) { residual in
            try pass.depthwiseMLP(
                norms[1](y, pass), widening: widening, depthwise: depthwise, narrowing: narrowing, adding: residual,
                overwriting: true)
        }
    }

    /// x + branch. The branch adds x itself, which is cheaper, where it is never left out.
    private func added(to x: Tensor, _ pass: ForwardPass, _ branch: (Tensor?) throws -> Tensor) throws -> Tensor {
        guard pass.mode == .training, dropPath > 0 else { return try branch(x) }
        return try pass.sum(x, pass.dropPath(branch(nil), probability: dropPath))
    }

    func forEachParameter(_ prefix: String, _ body: (String, Parameter) throws -> Void) rethrows {
        try norms[0].forEachParameter(joinedName(prefix, "norm1"), body)
        try attention.forEachParameter(joinedName(prefix, "attn"), body)
        try norms[1].forEachParameter(joinedName(prefix, "norm2"), body)
        try widening.forEachParameter(joinedName(prefix, "mlp.fc1"), body)
        try depthwise.forEachParameter(joinedName(prefix, "mlp.dwconv.dwconv"), body)
        try narrowing.forEachParameter(joinedName(prefix, "mlp.fc2"), body)
    }
}
