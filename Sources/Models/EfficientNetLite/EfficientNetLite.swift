import NeuralNetwork

/// EfficientNet-Lite, with or without its last linear layer. Names are those of the PyTorch conversion of TensorFlow's
/// release (PyPI `efficientnet-lite-pytorch`).
public final class EfficientNetLite: ImageBackbone {
    /// What parts of the network gave.
    public struct Activations {
        /// After the first convolution, N,H/2,W/2,32.
        public let stem: Tensor
        /// After each block, N,H,W,C.
        public let blocks: [Tensor]
        /// After the last 1×1 convolution, N,H/32,W/32,1280.
        public let head: Tensor
        /// N, 1280.
        public let features: Tensor
        /// N, classes; nil without the last linear layer.
        public let logits: Tensor?
    }

    public let size: EfficientNetLiteSize
    private let stem: (convolution: Conv2d, norm: BatchNorm)
    private let blocks: [InvertedResidual]
    /// Nil for who reads the blocks' maps alone.
    private let head: (convolution: Conv2d, norm: BatchNorm)?
    /// Places of the blocks behind which the next one halves the sides, and of the last.
    private let steps: [Int]
    private let classifier: Linear?

    /// Convolutions start as in the release: normal by the number of outputs that a number goes into. Without a seed
    /// everything learnt starts at zero or one, for who loads parameters.
    /// - Parameters:
    ///   - classes: nil leaves out the last layer.
    ///   - hasHead: whether there is a 1×1 convolution behind the blocks, which features are made of.
    ///   - dropPath: of the last block; earlier ones drop their branch in proportion to their place.
    public init(_ size: EfficientNetLiteSize, classes: Int? = nil, hasHead: Bool = true, dropPath: Float = 0, seed: UInt64?) throws {
        self.size = size
        stem = (
            try Conv2d(
                3, EfficientNetLiteSize.stemChannels, kernel: 3, geometry: Self.samePadding(kernel: 3, stride: 2)),
            try Self.norm(EfficientNetLiteSize.stemChannels)
        )
        let count = size.stages.reduce(0) { $0 + $1.blocks }
        var (channels, blocks) = (EfficientNetLiteSize.stemChannels, [InvertedResidual]())
        var steps: [Int] = []
        for stage in size.stages {
            if stage.stride == 2 { steps.append(blocks.count - 1) }
            for block in 0..<stage.blocks {
                blocks.append(
                    try InvertedResidual(
                        inputs: channels, outputs: stage.channels, expansion: stage.expansion, kernel: stage.kernel,
                        stride: block == 0 ? stage.stride : 1, dropPath: dropPath * Float(blocks.count) / Float(count)))
                channels = stage.channels
            }
        }
        self.blocks = blocks
        self.steps = steps + [blocks.count - 1]
        head =
            hasHead
            ? (
                try Conv2d(channels, EfficientNetLiteSize.headChannels, kernel: 1, geometry: ConvolutionGeometry()),
                try Self.norm(EfficientNetLiteSize.headChannels)
            ) : nil
        classifier = try classes.map { try Linear(EfficientNetLiteSize.headChannels, $0) }
        guard let seed else { return }
        forEachParameter("") { name, parameter in
            if parameter.shape.count == 4 {
                let isDepthwise = parameter.shape[1] == 1
                let fan = (isDepthwise ? 1 : parameter.shape[0]) * parameter.shape[2] * parameter.shape[3]
                Initialisation.normal(parameter, deviation: (2 / Double(fan)).squareRoot(), seed: seed, name: name)
            } else if parameter.shape.count == 2 {
                Initialisation.uniformFanIn(parameter, seed: seed, name: name)
            }
        }
    }

    /// Zeros as TensorFlow's "same" lays them around an even extent: the odd one comes after.
    static func samePadding(kernel: Int, stride: Int, groups: Int = 1) -> ConvolutionGeometry {
        let total = kernel - stride
        return ConvolutionGeometry(stride: stride, padding: total / 2, paddingAfter: total - total / 2, groups: groups)
    }

    static func norm(_ channels: Int) throws -> BatchNorm { try BatchNorm(channels, epsilon: 1e-3, momentum: 0.01) }

    /// `images` is N,H,W,3, its sides multiples of 32.
    ///
    /// Throws `EngineError.shapeMismatch` for others.
    public func activations(_ images: Tensor, _ pass: ForwardPass) throws -> Activations {
        var seen: [Tensor] = []
        let first = try stemMaps(images, pass)
        var x = first
        for block in blocks {
            x = try block(x, pass)
            seen.append(x)
        }
        let maps = try headMaps(x, pass)
        let features = try pass.globalAveragePool(maps)
        return Activations(
            stem: first, blocks: seen, head: maps, features: features, logits: try classifier?(features, pass, result: .float32))
    }

    public func lastMaps(_ images: Tensor, _ pass: ForwardPass) throws -> Tensor {
        var x = try stemMaps(images, pass)
        for block in blocks { x = try block(x, pass) }
        return try headMaps(x, pass)
    }

    /// Maps of a half, a quarter, … a 32nd of the sides, N,h,w,C (`EfficientNetLiteSize.pyramidChannels`).
    func pyramid(_ images: Tensor, _ pass: ForwardPass) throws -> [Tensor] {
        var x = try stemMaps(images, pass)
        var maps: [Tensor] = []
        for (place, block) in blocks.enumerated() {
            x = try block(x, pass)
            if steps.contains(place) { maps.append(x) }
        }
        return maps
    }

    private func stemMaps(_ images: Tensor, _ pass: ForwardPass) throws -> Tensor {
        let multiple = size.sideMultiple
        guard images.shape.count == 4, images.shape[3] == 3, images.shape[1] % multiple == 0, images.shape[2] % multiple == 0
        else {
            throw EngineError(
                .shapeMismatch, "EfficientNet-Lite reads images N,H,W,3 with sides that are multiples of \(multiple), not \(images.shape)")
        }
        return try stem.convolution(images, pass, norm: stem.norm, activation: .relu6)
    }

    private func headMaps(_ x: Tensor, _ pass: ForwardPass) throws -> Tensor {
        guard let head else { throw EngineError(.unsupported, "this EfficientNet-Lite has no head to make features with") }
        return try head.convolution(x, pass, norm: head.norm, activation: .relu6)
    }

    private var norms: [BatchNorm] { [stem.norm] + blocks.flatMap(\.norms) + (head.map { [$0.norm] } ?? []) }

    public var freezesBatchNorm: Bool {
        get { stem.norm.isFrozen }
        set { for norm in norms { norm.isFrozen = newValue } }
    }

    /// An estimate, not measured: the stem and the wide maps of the first stages, larger sizes by their number of blocks.
    public var activationsPerPixel: Int { 150 * blocks.count / 16 }

    public func forEachParameter(_ prefix: String, _ body: (String, Parameter) throws -> Void) rethrows {
        try stem.convolution.forEachParameter(joinedName(prefix, "_conv_stem"), body)
        try stem.norm.forEachParameter(joinedName(prefix, "_bn0"), body)
        for (index, block) in blocks.enumerated() {
            try block.forEachParameter(joinedName(prefix, "_blocks.\(index)"), body)
        }
        try head?.convolution.forEachParameter(joinedName(prefix, "_conv_head"), body)
        try head?.norm.forEachParameter(joinedName(prefix, "_bn1"), body)
        try classifier?.forEachParameter(joinedName(prefix, "_fc"), body)
    }
}
