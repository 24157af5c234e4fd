import NeuralNetwork

/// A vision transformer without its classifying head, at any input size. Names are timm's and DeiT's.
public final class VisionTransformer: Module {
    /// What the network says of a batch of images.
    public struct Output {
        /// Tokens after the last block and the final normalisation: B,1 + h·w,C, the class token first. fp32.
        public let tokens: Tensor
        /// Tokens after the block asked for, or before all of them, not normalised.
        public let watched: Tensor?
        /// Patches along height and width.
        public let grid: (height: Int, width: Int)
    }

    public let configuration: ViTConfiguration
    private let stem: [Conv2d]
    private let patches: Conv2d
    private let local: [Conv2d]
    private let classToken: Parameter
    private let positions: Parameter
    private let blocks: [TransformerBlock]
    private let norm: LayerNorm

    /// Starts as timm does: linear layers and embeddings N(0, 0.02), patches by fan in, biases zero. `seed` nil leaves
    /// zeros, for who loads parameters.
    public init(_ configuration: ViTConfiguration, seed: UInt64?, prefix: String = "") throws {
        try configuration.check()
        self.configuration = configuration
        let (width, depth) = (configuration.width, configuration.depth)
        let (kernel, halving) = (configuration.stemKernel, ConvolutionGeometry(stride: 2, padding: 1))
        stem = try zip([3] + configuration.stem, configuration.stem).map {
            try Conv2d($0, $1, kernel: kernel, geometry: halving, hasBias: true)
        }
        patches =
            if let channels = configuration.stem.last {
                try Conv2d(channels, width, kernel: kernel, geometry: halving, hasBias: true)
            } else {
                try Conv2d(
                    3, width, kernel: configuration.patch, geometry: ConvolutionGeometry(stride: configuration.patch),
                    hasBias: true)
            }
        local = try (0..<configuration.localDepth).map { _ in
            try Conv2d(width, width, kernel: 3, geometry: ConvolutionGeometry(padding: 1), hasBias: true)
        }
        classToken = try Parameter(shape: [1, 1, width])
        positions = try Parameter(
            shape: [1, configuration.grid * configuration.grid + 1, width], isBuffer: !configuration.learnsPositions)
        blocks = try (0..<depth).map {
            try TransformerBlock(configuration, dropPath: configuration.dropPath * Float($0) / Float(max(1, depth - 1)))
        }
        norm = try LayerNorm(width, epsilon: 1e-6)
        guard let seed else { return }
        forEachParameter(prefix) { name, parameter in
            switch parameter.shape.count {
            case 4: Initialisation.uniformFanIn(parameter, seed: seed, name: name)
            case 2, 3: Initialisation.normal(parameter, deviation: 0.02, seed: seed, name: name)
            default: break
            }
        }
    }

    /// `images` is N,H,W,3 with sides of at least one patch; what is left of a patch at the right and lower edges is
    /// not seen, but by a stem's convolutions. `watching`: the block (from 0) whose tokens are wanted as well;
    /// −1: the tokens before the first.
    public func callAsFunction(_ images: Tensor, _ pass: ForwardPass, watching block: Int? = nil) throws -> Output {
        var x = images
        for layer in stem { x = try layer(x, pass, norm: nil, activation: .relu) }
        x = try patches(x, pass)
        for layer in local { x = try layer(pass.activated(x, .relu), pass, norm: nil, adding: x) }
        let (height, width) = (x.shape[1], x.shape[2])
        let flat = try pass.reshaped(x, to: [x.shape[0], height * width, configuration.width])
        var tokens = try pass.tokens(
            first: pass.value(of: classToken), patches: flat, positions: positions(height: height, width: width, pass))
        var watched = block == -1 ? tokens : nil
        for (index, layer) in blocks.enumerated() {
            tokens = try layer(tokens, pass, overwriting: tokens !== watched)
            if index == block { watched = tokens }
        }
        return Output(tokens: try norm(tokens, pass, result: .float32), watched: watched, grid: (height, width))
    }

    /// Keeps the blocks' linear layers only as inference in one precision takes them, packed for images of twice the side
    /// that positions were learnt for; other sizes are possible. The network can then neither learn nor be saved.
    func keepOnlyPacked(precision: Precision, _ quantised: QuantisedNetwork?) throws {
        let side = 2 * configuration.grid
        for block in blocks { try block.keepOnlyPacked(rows: side * side + 1, precision: precision, quantised) }
    }

    /// Position embeddings for a grid: that of the class token as it is, those of patches interpolated.
    private func positions(height: Int, width: Int, _ pass: ForwardPass) throws -> Tensor {
        let (grid, channels) = (configuration.grid, configuration.width)
        let all = try pass.value(of: positions)
        guard height != grid || width != grid else { return all }
        let patches = try pass.reshaped(
            pass.tokens(all, 1..<grid * grid + 1), to: [1, grid, grid, channels])
        let resized = try pass.resizedCubically(patches, height: height, width: width)
        return try pass.tokens(
            first: pass.tokens(all, 0..<1), patches: pass.reshaped(resized, to: [1, height * width, channels]),
            positions: Tensor.zeros([1, height * width + 1, channels]))
    }

    public func forEachParameter(_ prefix: String, _ body: (String, Parameter) throws -> Void) rethrows {
        try body(joinedName(prefix, "cls_token"), classToken)
        try body(joinedName(prefix, "pos_embed"), positions)
        for (index, layer) in stem.enumerated() {
            try layer.forEachParameter(joinedName(prefix, "patch_embed.stem.\(index)"), body)
        }
        try patches.forEachParameter(joinedName(prefix, "patch_embed.proj"), body)
        for (index, layer) in local.enumerated() {
            try layer.forEachParameter(joinedName(prefix, "patch_embed.local.\(index)"), body)
        }
        for (index, block) in blocks.enumerated() {
            try block.forEachParameter(joinedName(prefix, "blocks.\(index)"), body)
        }
        try norm.forEachParameter(joinedName(prefix, "norm"), body)
    }
}
