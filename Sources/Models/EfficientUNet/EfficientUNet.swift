import NeuralNetwork

/// A U-Net (Ronneberger, Fischer and Brox 2015) whose way down is an EfficientNet-Lite: small enough for processors, and it
/// starts from what ImageNet taught.
///
/// Four times the deepest map is doubled in size and joined with the encoder's of that size; two 3×3 convolutions follow each
/// time. Logits are made at half the image's sides and enlarged.
public final class EfficientUNet: Module {
    public let size: EfficientNetLiteSize
    private let encoder: EfficientNetLite
    private let decoder: [[(convolution: Conv2d, norm: BatchNorm)]]
    private let head: Conv2d

    /// Channels of the decoder, from a 16th of the sides to a half.
    private static let widths = [128, 64, 48, 32]

    /// Without a seed everything learnt starts at zero or one, for who loads parameters.
    public init(_ size: EfficientNetLiteSize, dropPath: Float = 0, seed: UInt64?) throws {
        self.size = size
        encoder = try EfficientNetLite(size, hasHead: false, dropPath: dropPath, seed: seed)
        // Few images share a step, and replicas are averaged: the statistics of ImageNet's are better than theirs.
        encoder.freezesBatchNorm = true
        let channels = size.pyramidChannels
        var (inputs, decoder) = (channels[channels.count - 1], [[(convolution: Conv2d, norm: BatchNorm)]]())
        for (depth, width) in Self.widths.enumerated() {
            let joined = inputs + channels[channels.count - 2 - depth]
            decoder.append(
                try [joined, width].map { inputs in
                    (
                        try Conv2d(inputs, width, kernel: 3, geometry: ConvolutionGeometry(padding: 1)),
                        try BatchNorm(width)
                    )
                })
            inputs = width
        }
        self.decoder = decoder
        head = try Conv2d(inputs, 1, kernel: 1, geometry: ConvolutionGeometry(), hasBias: true)
        guard let seed else { return }
        forEachParameter("") { name, parameter in
            guard !name.hasPrefix("encoder."), parameter.shape.count > 1 else { return }
            Initialisation.kaimingFanOut(parameter, seed: seed, name: name)
        }
    }

    /// Logits N,H,W,1 of `images`, N,H,W,3 normalised by ImageNet's constants, sides multiples of 32.
    public func callAsFunction(_ images: Tensor, _ pass: ForwardPass) throws -> Tensor {
        let maps = try encoder.pyramid(Self.recoloured(images), pass)
        var x = maps[maps.count - 1]
        for (depth, layers) in decoder.enumerated() {
            let skip = maps[maps.count - 2 - depth]
            x = try pass.concatenatedChannels([
                pass.resized(x, height: skip.shape[1], width: skip.shape[2], alignsCorners: false), skip,
            ])
            for layer in layers { x = try layer.convolution(x, pass, norm: layer.norm, activation: .relu) }
        }
        let logits = try head(x, pass, norm: nil, result: .float32)
        return try pass.resized(logits, height: images.shape[1], width: images.shape[2], alignsCorners: false)
    }

    /// From ImageNet's normalisation to that of the encoder's published weights.
    package static func recoloured(_ images: Tensor) throws -> Tensor {
        let (from, to) = (ColourNormalisation.imageNet, EfficientNetLiteSize.publishedColours)
        let factors = (0..<3).map { from.deviation[$0] / to.deviation[$0] }
        let shifts = (0..<3).map { (from.mean[$0] - to.mean[$0]) / to.deviation[$0] }
        return try Tensor.filled(images.shape) { memory in
            images.withValues { values in
                for place in values.indices { memory[place] = values[place] * factors[place % 3] + shifts[place % 3] }
            }
        }
    }

    /// Takes over an encoder, published or of this program.
    public func loadEncoder(_ set: ParameterSet) throws {
        let own = try EncoderKind(size).tensors(of: set)
        try encoder.load(
            ParameterSet(entries: own.entries.filter { !$0.name.hasPrefix("_conv_head.") && !$0.name.hasPrefix("_bn1.") }))
    }

    public func forEachParameter(_ prefix: String, _ body: (String, Parameter) throws -> Void) rethrows {
        try encoder.forEachParameter(joinedName(prefix, "encoder"), body)
        for (depth, layers) in decoder.enumerated() {
            for (index, layer) in layers.enumerated() {
                try layer.convolution.forEachParameter(joinedName(prefix, "decoder.\(depth).conv\(index + 1)"), body)
                try layer.norm.forEachParameter(joinedName(prefix, "decoder.\(depth).bn\(index + 1)"), body)
            }
        }
        try head.forEachParameter(joinedName(prefix, "head"), body)
    }
}
