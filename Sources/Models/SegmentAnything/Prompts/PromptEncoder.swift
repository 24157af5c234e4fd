import NeuralNetwork

/// Turns prompts into tokens (points and boxes) and into a map that is added to the embedding (masks).
final class PromptEncoder: Module {
    private let width: Int
    private let frequencies: Parameter
    /// Beside the object, on it, left upper and right lower corner of a box.
    private let kinds: [Parameter]
    private let noPoint: Parameter
    private let noMask: Parameter
    private let maskConvolutions: [Conv2d]
    private let maskNorms: [LayerNorm]

    /// `width` numbers of a token, `maskChannels` of a mask between its convolutions.
    init(_ width: Int, maskChannels: Int = 16) throws {
        self.width = width
        frequencies = try Parameter(shape: [2, width / 2], isBuffer: true)
        kinds = try (0..<4).map { _ in try Parameter(shape: [1, width]) }
        noPoint = try Parameter(shape: [1, width])
        noMask = try Parameter(shape: [1, width])
        let halving = ConvolutionGeometry(stride: 2)
        maskConvolutions = [
            try Conv2d(1, maskChannels / 4, kernel: 2, geometry: halving, hasBias: true),
            try Conv2d(maskChannels / 4, maskChannels, kernel: 2, geometry: halving, hasBias: true),
            try Conv2d(maskChannels, width, kernel: 1, geometry: ConvolutionGeometry(), hasBias: true),
        ]
        maskNorms = [
            try LayerNorm(maskChannels / 4, epsilon: 1e-6), try LayerNorm(maskChannels, epsilon: 1e-6),
        ]
    }

    var positions: FourierPositions { FourierPositions(frequencies: frequencies.values) }

    /// Tokens, width; none where there are neither points nor a box. Coordinates are pixels of an input of
    /// `imageSize` × `imageSize`, whose middles lie half a pixel further.
    ///
    /// Points without a box are followed by one that says that there is none.
    func tokens(_ prompt: SegmentationPrompt, imageSize: Int) throws -> Tensor? {
        let positions = positions
        func token(_ x: Float, _ y: Float, kind: Int) -> [Float] {
            let size = Double(imageSize)
            let place = positions(x: (Double(x) + 0.5) / size, y: (Double(y) + 0.5) / size)
            return zip(place, kinds[kind].values).map { $0 + $1 }
        }
        var made = prompt.points.map { token($0.x, $0.y, kind: $0.isOnObject ? 1 : 0) }
        if let box = prompt.box {
            made += [token(box.left, box.top, kind: 2), token(box.right, box.bottom, kind: 3)]
        } else if !made.isEmpty {
            made.append(noPoint.values)
        }
        return made.isEmpty ? nil : try Tensor(made.flatMap { $0 }, shape: [made.count, width])
    }

    /// The map for a prompt's mask (logits of 4·grid × 4·grid pixels): 1, grid, grid, width.
    ///
    /// Throws `EngineError.shapeMismatch` where the mask has another size.
    func map(_ mask: [Float]?, grid: Int, _ pass: ForwardPass) throws -> Tensor {
        guard let mask else {
            let row = noMask.values
            return try Tensor((0..<grid * grid).flatMap { _ in row }, shape: [1, grid, grid, width])
        }
        guard mask.count == 16 * grid * grid else {
            throw EngineError(
                .shapeMismatch,
                "a prompt's mask has \(4 * grid)×\(4 * grid) logits, as predictions have; this one has \(mask.count)")
        }
        var x = try Tensor(mask, shape: [1, 4 * grid, 4 * grid, 1])
        for (convolution, norm) in zip(maskConvolutions, maskNorms) {
            x = try pass.gelu(norm(convolution(x, pass), pass))
        }
        return try maskConvolutions[2](x, pass)
    }

    func forEachParameter(_ prefix: String, _ body: (String, Parameter) throws -> Void) rethrows {
        try body(joinedName(prefix, "pe_layer.positional_encoding_gaussian_matrix"), frequencies)
        for (index, kind) in kinds.enumerated() {
            try body(joinedName(prefix, "point_embeddings.\(index).weight"), kind)
        }
        try body(joinedName(prefix, "not_a_point_embed.weight"), noPoint)
        for (index, convolution) in maskConvolutions.enumerated() {
            try convolution.forEachParameter(joinedName(prefix, "mask_downscaling.\(3 * index)"), body)
        }
        for (index, norm) in maskNorms.enumerated() {
            try norm.forEachParameter(joinedName(prefix, "mask_downscaling.\(3 * index + 1)"), body)
        }
        try body(joinedName(prefix, "no_mask_embed.weight"), noMask)
    }
}
