import NeuralNetwork

/// A transformer block whose attention sees windows or the whole image, with normalisation before each part.
final class EncoderBlock: Module {
    private let attentionNorm: LayerNorm
    private let attention: RelativeAttention
    private let perceptronNorm: LayerNorm
    private let widening: Linear
    private let narrowing: Linear

    init(_ configuration: ImageEncoderConfiguration, index: Int) throws {
        let width = configuration.width
        attentionNorm = try LayerNorm(width, epsilon: 1e-6)
        attention = try RelativeAttention(
            configuration, window: configuration.globalBlocks.contains(index) ? nil : configuration.window)
        perceptronNorm = try LayerNorm(width, epsilon: 1e-6)
        widening = try Linear(width, 4 * width)
        narrowing = try Linear(4 * width, width)
    }

    /// Tokens N,H,W,C, whose memory an inference pass uses for the result.
    func callAsFunction(_ x: Tensor, _ pass: ForwardPass) throws -> Tensor {
        let x = try attention(attentionNorm(x, pass), adding: x, pass)
        let hidden = try widening(perceptronNorm(x, pass), pass, activation: .geluErf)
        return try narrowing(hidden, pass, adding: x, overwriting: true)
    }

    func keepOnlyPacked(tokens: Int, precision: Precision, _ quantised: QuantisedNetwork?) throws {
        try attention.keepOnlyPacked(tokens: tokens, precision: precision, quantised)
        for layer in [widening, narrowing] { try layer.keepOnlyPacked(rows: [tokens], precision: precision, quantised) }
    }

    func forEachParameter(_ prefix: String, _ body: (String, Parameter) throws -> Void) rethrows {
        try attentionNorm.forEachParameter(joinedName(prefix, "norm1"), body)
        try attention.forEachParameter(joinedName(prefix, "attn"), body)
        try perceptronNorm.forEachParameter(joinedName(prefix, "norm2"), body)
        try widening.forEachParameter(joinedName(prefix, "mlp.lin1"), body)
        try narrowing.forEachParameter(joinedName(prefix, "mlp.lin2"), body)
    }
}
