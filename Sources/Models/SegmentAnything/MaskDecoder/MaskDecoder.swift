import NeuralNetwork

/// Predicts masks and their quality from an image's embedding and a prompt's tokens.
///
/// There are four masks: one for prompts that mean one object, and three (whole, part, part of a part) for prompts that
/// may mean several.
final class MaskDecoder: Module {
    /// Which of the four masks are wanted.
    static let single = 0..<1, multiple = 1..<4

    private let width: Int
    private let transformer: TwoWayTransformer
    private let qualityToken: Parameter
    private let maskTokens: Parameter
    private let upscalings: [ConvTranspose2d]
    private let upscalingNorm: LayerNorm
    private let kernels: [Perceptron]
    private let quality: Perceptron

    init(_ width: Int, heads: Int = 8, hidden: Int = 2048, qualityHidden: Int = 256) throws {
        self.width = width
        transformer = try TwoWayTransformer(width, heads: heads, hidden: hidden)
        qualityToken = try Parameter(shape: [1, width])
        maskTokens = try Parameter(shape: [4, width])
        upscalings = [
            try ConvTranspose2d(width, width / 4, side: 2), try ConvTranspose2d(width / 4, width / 8, side: 2),
        ]
        upscalingNorm = try LayerNorm(width / 4, epsilon: 1e-6)
        kernels = try (0..<4).map { _ in try Perceptron(width, hidden: width, outputs: width / 8) }
        quality = try Perceptron(width, hidden: qualityHidden, outputs: 4)
    }

    /// Logits of the masks wanted (masks, 4·grid · 4·grid) and the intersection over union foreseen for each.
    ///
    /// `embedding`, `map` and `positions` are 1, grid, grid, width; `prompts` are tokens of width.
    func callAsFunction(
        embedding: Tensor, positions: Tensor, prompts: Tensor?, map: Tensor, masks wanted: Range<Int>,
        _ pass: ForwardPass
    ) throws -> (logits: Tensor, quality: [Float]) {
        let (height, breadth) = (embedding.shape[1], embedding.shape[2])
        let own = [try Tensor(qualityToken.values, shape: [1, width]), try Tensor(maskTokens.values, shape: [4, width])]
        let tokens = try Tensor.concatenated(own + (prompts.map { [$0] } ?? []))
        let image = try pass.sum(embedding, map)
        let flat = [1, height * breadth, width]
        let seen = try transformer(
            tokens: pass.reshaped(tokens, to: [1] + tokens.shape), image: pass.reshaped(image, to: flat),
            imagePositions: pass.reshaped(positions, to: flat), pass)

        let rows = try pass.reshaped(seen.tokens, to: tokens.shape)
        let small = try pass.reshaped(seen.image, to: embedding.shape)
        let half = try pass.gelu(upscalingNorm(upscalings[0](small, pass), pass))
        let large = try pass.gelu(upscalings[1](half, pass))
        let products = try Tensor.concatenated(
            wanted.map { mask in try kernels[mask](pass.gathered(rows, rows: [1 + mask]), pass) })
        let pixels = try pass.reshaped(large, to: [large.count / (width / 8), width / 8])
        let logits = try pass.matmul(products, pixels, transposingB: true)
        return (logits, Array(try quality(pass.gathered(rows, rows: [0]), pass).values[wanted]))
    }

    func forEachParameter(_ prefix: String, _ body: (String, Parameter) throws -> Void) rethrows {
        try transformer.forEachParameter(joinedName(prefix, "transformer"), body)
        try body(joinedName(prefix, "iou_token.weight"), qualityToken)
        try body(joinedName(prefix, "mask_tokens.weight"), maskTokens)
        try upscalings[0].forEachParameter(joinedName(prefix, "output_upscaling.0"), body)
        try upscalingNorm.forEachParameter(joinedName(prefix, "output_upscaling.1"), body)
        try upscalings[1].forEachParameter(joinedName(prefix, "output_upscaling.3"), body)
        for (index, kernel) in kernels.enumerated() {
            try kernel.forEachParameter(joinedName(prefix, "output_hypernetworks_mlps.\(index)"), body)
        }
        try quality.forEachParameter(joinedName(prefix, "iou_prediction_head"), body)
    }
}
