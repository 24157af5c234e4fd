import NeuralNetwork

/// Two layers in which tokens and image attend to each other, and a last look of the tokens at the image.
final class TwoWayTransformer: Module {
    private let layers: [TwoWayBlock]
    private let last: ProjectedAttention
    private let norm: LayerNorm

    init(_ width: Int, heads: Int, hidden: Int) throws {
        layers = try (0..<2).map { try TwoWayBlock(width, heads: heads, hidden: hidden, isFirst: $0 == 0) }
        last = try ProjectedAttention(width, inner: width / 2, heads: heads)
        norm = try LayerNorm(width, epsilon: 1e-5)
    }

    /// Tokens 1,T,C; image and its positions 1,N,C.
    func callAsFunction(
        tokens start: Tensor, image: Tensor, imagePositions: Tensor, _ pass: ForwardPass
    ) throws -> (tokens: Tensor, image: Tensor) {
        var (tokens, image) = (start, image)
        for layer in layers {
            (tokens, image) = try layer(
                tokens: tokens, image: image, tokenPositions: start, imagePositions: imagePositions, pass)
        }
        let (query, key) = (try pass.sum(tokens, start), try pass.sum(image, imagePositions))
        return (try norm(last(query: query, key: key, value: image, adding: tokens, pass), pass), image)
    }

    func forEachParameter(_ prefix: String, _ body: (String, Parameter) throws -> Void) rethrows {
        for (index, layer) in layers.enumerated() {
            try layer.forEachParameter(joinedName(prefix, "layers.\(index)"), body)
        }
        try last.forEachParameter(joinedName(prefix, "final_attn_token_to_image"), body)
        try norm.forEachParameter(joinedName(prefix, "norm_final_attn"), body)
    }
}
