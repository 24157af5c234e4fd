import NeuralNetwork

/// One layer of the decoder: tokens attend to each other, then to the image, and the image to the tokens.
final class TwoWayBlock: Module {
    /// The first layer's tokens have no state but their positions: their self-attention replaces them.
    private let isFirst: Bool
    private let selfAttention: ProjectedAttention
    private let toImage: ProjectedAttention
    private let widening: Linear
    private let narrowing: Linear
    private let toTokens: ProjectedAttention
    private let norms: [LayerNorm]

    init(_ width: Int, heads: Int, hidden: Int, isFirst: Bool) throws {
        self.isFirst = isFirst
        selfAttention = try ProjectedAttention(width, inner: width, heads: heads)
        toImage = try ProjectedAttention(width, inner: width / 2, heads: heads)
        widening = try Linear(width, hidden)
        narrowing = try Linear(hidden, width)
        toTokens = try ProjectedAttention(width, inner: width / 2, heads: heads)
        norms = try (0..<4).map { _ in try LayerNorm(width, epsilon: 1e-5) }
    }

    /// New tokens (1,T,C) and image (1,N,C). Positions of the tokens are the tokens as they came, those of the image
    /// its Fourier features: they are added to queries and keys, not to values.
    func callAsFunction(
        tokens: Tensor, image: Tensor, tokenPositions: Tensor, imagePositions: Tensor, _ pass: ForwardPass
    ) throws -> (tokens: Tensor, image: Tensor) {
        let placed = isFirst ? tokens : try pass.sum(tokens, tokenPositions)
        var tokens = try norms[0](
            selfAttention(query: placed, key: placed, value: tokens, adding: isFirst ? nil : tokens, pass), pass)
        let imageKeys = try pass.sum(image, imagePositions)
        let query = try pass.sum(tokens, tokenPositions)
        tokens = try norms[1](toImage(query: query, key: imageKeys, value: image, adding: tokens, pass), pass)
        tokens = try norms[2](narrowing(widening(tokens, pass, activation: .relu), pass, adding: tokens), pass)
        let tokenKeys = try pass.sum(tokens, tokenPositions)
        let seen = try toTokens(query: imageKeys, key: tokenKeys, value: tokens, adding: image, pass)
        return (tokens, try norms[3](seen, pass))
    }

    func forEachParameter(_ prefix: String, _ body: (String, Parameter) throws -> Void) rethrows {
        try selfAttention.forEachParameter(joinedName(prefix, "self_attn"), body)
        try toImage.forEachParameter(joinedName(prefix, "cross_attn_token_to_image"), body)
        try widening.forEachParameter(joinedName(prefix, "mlp.lin1"), body)
        try narrowing.forEachParameter(joinedName(prefix, "mlp.lin2"), body)
        for (index, norm) in norms.enumerated() {
            try norm.forEachParameter(joinedName(prefix, "norm\(index + 1)"), body)
        }
        try toTokens.forEachParameter(joinedName(prefix, "cross_attn_image_to_token"), body)
    }
}
