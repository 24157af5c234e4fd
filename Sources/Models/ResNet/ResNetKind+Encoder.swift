import NeuralNetwork

extension ResNetKind: EncoderFamily {
    public var sideMultiple: Int { 1 }
    public var publishedSide: Int { 224 }
    public static var publishedColours: ColourNormalisation { .imageNet }
    public static var classifierPrefix: String { "fc." }

    public init?(of tensors: TensorShapes) {
        guard tensors["layer1.0.bn1.weight"] != nil else { return nil }
        self = tensors["layer1.0.conv3.weight"] == nil ? .resNet18 : .resNet50
    }

    public func make(seed: UInt64?) throws -> sending any ImageBackbone { try ResNet(self, seed: seed ?? 0) }
}

extension EncoderKind {
    public static let resNet18 = EncoderKind(ResNetKind.resNet18)
    public static let resNet50 = EncoderKind(ResNetKind.resNet50)
}

extension ResNet: ImageBackbone {
    public func lastMaps(_ images: Tensor, _ pass: ForwardPass) throws -> Tensor {
        try activations(images, pass).lastLayer
    }

    /// Stem 2·64/4 and pool 64/16, then each layer's blocks.
    public var activationsPerPixel: Int { kind == .resNet18 ? 100 : 340 }
}
