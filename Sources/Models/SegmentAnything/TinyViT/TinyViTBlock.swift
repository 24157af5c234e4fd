import NeuralNetwork

/// Window attention, a 3×3 convolution of each channel, and a perceptron.
final class TinyViTBlock: Module {
    private let attention: TableAttention
    private let local: NormalisedConvolution
    private let norm: LayerNorm
    private let widening: Linear
    private let narrowing: Linear

    init(_ width: Int, heads: Int, window: Int) throws {
        attention = try TableAttention(width, heads: heads, size: window)
        local = try NormalisedConvolution(width, width, kernel: 3, isDepthwise: true)
        norm = try LayerNorm(width, epsilon: 1e-5)
        widening = try Linear(width, 4 * width)
        narrowing = try Linear(4 * width, width)
    }

    /// Tokens N,H,W,C, whose memory an inference pass uses again.
    func callAsFunction(_ x: Tensor, _ pass: ForwardPass) throws -> Tensor {
        let x = try local(attention(x, pass), pass.exact)
        return try pass.perceptron(norm(x, pass), widening: widening, narrowing: narrowing, adding: x, overwriting: true)
    }

    func forEachParameter(_ prefix: String, _ body: (String, Parameter) throws -> Void) rethrows {
        try attention.forEachParameter(joinedName(prefix, "attn"), body)
        try local.forEachParameter(joinedName(prefix, "local_conv"), body)
        try norm.forEachParameter(joinedName(prefix, "mlp.norm"), body)
        try widening.forEachParameter(joinedName(prefix, "mlp.fc1"), body)
        try narrowing.forEachParameter(joinedName(prefix, "mlp.fc2"), body)
    }
}
