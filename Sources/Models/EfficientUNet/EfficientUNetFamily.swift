import NeuralNetwork

/// The U-Net on EfficientNet-Lite among the segmentation networks.
public struct EfficientUNetFamily: SegmentationFamily {
    public let name = "efficient-unet"
    public let title = "U-Net on EfficientNet-Lite"
    public let usualSize = EfficientNetLiteSize.efficientNetLite0
    public let sideMultiple = 32
    public let dropsPaths = true

    public init() {}

    public var recipe: SegmentationRecipe {
        var recipe = SegmentationRecipe()
        recipe.imageSize = 256
        recipe.augmentation = .reference
        recipe.batch = 8
        recipe.learningRate = 5e-4
        return recipe
    }

    public func title(ofSize size: EfficientNetLiteSize) -> String { "U-Net on \(size.rawValue)" }

    public func size(of tensors: TensorShapes) -> EfficientNetLiteSize? {
        guard tensors["encoder._conv_stem.weight"] != nil, tensors["decoder.0.conv1.weight"] != nil else { return nil }
        return EfficientNetLiteSize(blocksOf: tensors.below("encoder."))
    }

    public func network(_ size: EfficientNetLiteSize, dropPath: Float, seed: UInt64?) throws -> sending any SegmentationNetwork {
        try EfficientUNet(size, dropPath: dropPath, seed: seed)
    }

    public func encoder(ofSize size: EfficientNetLiteSize) -> KnownNetwork? { .encoder(EncoderKind(size)) }
}

extension EfficientUNet: SegmentationNetwork {
    public var family: any SegmentationFamily { EfficientUNetFamily() }

    public func maps(_ images: Tensor, _ pass: ForwardPass) throws -> [Tensor] { [try self(images, pass)] }

    /// Cross-entropy and Dice: no weight on borders, which pseudo-masks know least about.
    public func loss(of maps: [Tensor], masks: Tensor) throws -> SegmentationLoss {
        let loss = try EntropyAndDice(masks: masks)
        return SegmentationLoss(sum: try maps.map { try loss($0) })
    }

    public func prediction(of maps: [Tensor], _ pass: ForwardPass) throws -> Tensor { maps[0] }
}
