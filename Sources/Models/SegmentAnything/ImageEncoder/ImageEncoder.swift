import NeuralNetwork

/// The vision transformer of Segment Anything (Li et al. 2022, "Exploring plain vision transformer backbones"):
/// patches, absolute positions, blocks with windowed or global attention, and a neck of two convolutions.
package final class ImageEncoder: Module {
    package let configuration: ImageEncoderConfiguration
    private let patches: Conv2d
    /// 1, grid, grid, width.
    private let positions: Parameter
    private let blocks: [EncoderBlock]
    private let neck: EncoderNeck

    package init(_ configuration: ImageEncoderConfiguration) throws {
        self.configuration = configuration
        patches = try Conv2d(
            3, configuration.width, kernel: configuration.patch,
            geometry: ConvolutionGeometry(stride: configuration.patch), hasBias: true)
        let grid = configuration.learntGrid
        positions = try Parameter(shape: [1, grid, grid, configuration.width])
        blocks = try (0..<configuration.depth).map { try EncoderBlock(configuration, index: $0) }
        neck = try EncoderNeck(configuration.width, configuration.outputs)
    }

    /// Images N, side, side, 3 to embeddings N, grid, grid, outputs.
    package func callAsFunction(_ images: Tensor, _ pass: ForwardPass) throws -> Tensor {
        var tokens = try pass.sum(patches(images, pass), placed(images.shape[0], pass))
        for block in blocks { tokens = try block(tokens, pass) }
        return try neck(tokens, pass)
    }

    package func keepOnlyPacked(precision: Precision, _ quantised: QuantisedNetwork?) throws {
        let tokens = configuration.grid * configuration.grid
        for block in blocks { try block.keepOnlyPacked(tokens: tokens, precision: precision, quantised) }
    }

    /// The positions of each token of `count` images; interpolated where they were learnt for another grid.
    private func placed(_ count: Int, _ pass: ForwardPass) throws -> Tensor {
        let learnt = try Tensor(positions.values, shape: positions.shape)
        let grid = configuration.grid
        let one = grid == learnt.shape[1] ? learnt : try pass.resized(learnt, height: grid, width: grid, alignsCorners: false)
        return count == 1 ? one : try Tensor.concatenated(Array(repeating: one, count: count))
    }

    package func forEachParameter(_ prefix: String, _ body: (String, Parameter) throws -> Void) rethrows {
        try body(joinedName(prefix, "pos_embed"), positions)
        try patches.forEachParameter(joinedName(prefix, "patch_embed.proj"), body)
        for (index, block) in blocks.enumerated() {
            try block.forEachParameter(joinedName(prefix, "blocks.\(index)"), body)
        }
        try neck.forEachParameter(joinedName(prefix, "neck"), body)
    }
}
