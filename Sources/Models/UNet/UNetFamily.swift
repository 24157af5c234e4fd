import NeuralNetwork

/// The sizes of U-Net: that of the reference, and two that are narrower.
public enum UNetSize: String, Sendable, Hashable, NamedChoice {
    case w64, w32, w16

    /// Channels of the first block; each of the four below has twice as many.
    public var width: Int {
        switch self {
        case .w64: 64
        case .w32: 32
        case .w16: 16
        }
    }
}

/// U-Net among the segmentation networks.
public struct UNetFamily: SegmentationFamily {
    public let name = "unet"
    public let title = "U-Net"
    public let usualSize = UNetSize.w64
    /// Odd sides as well: see `ForwardPass.centred`.
    public let sideMultiple = 1
    public let goldenFile: String? = "unet"

    public init() {}

    /// Of the reference: size and no augmentation. Its RMSprop, whose rate is 1e-5 with a momentum of 0.999, and its batch of
    /// 96 are not here.
    public var recipe: SegmentationRecipe {
        var recipe = SegmentationRecipe()
        recipe.batch = 8
        recipe.weightDecay = 1e-8
        return recipe
    }

    public func title(ofSize size: UNetSize) -> String { "\(title) of width \(size.width)" }

    public func size(of tensors: TensorShapes) -> UNetSize? {
        guard tensors["down1.maxpool_conv.1.double_conv.0.weight"] != nil || tensors["up1.up.weight"] != nil else { return nil }
        let width = tensors["inc.double_conv.0.weight"]?.first
        return UNetSize.allCases.first { $0.width == width }
    }

    public func network(_ size: UNetSize, dropPath: Float, seed: UInt64?) throws -> sending any SegmentationNetwork {
        try UNet(width: size.width, seed: seed)
    }

    public func golden(_ check: GoldenCheck, wanted: Set<String>) throws -> [String: [Float]] {
        try check.uNet(wanted: wanted)
    }
}

extension UNet: SegmentationNetwork {
    public var family: any SegmentationFamily { UNetFamily() }

    public func maps(_ images: Tensor, _ pass: ForwardPass) throws -> [Tensor] { [try self(images, pass).logits] }

    /// Cross-entropy and Dice.
    public func loss(of maps: [Tensor], masks: Tensor) throws -> SegmentationLoss {
        let loss = try EntropyAndDice(masks: masks)
        return SegmentationLoss(sum: try maps.map { try loss($0) })
    }

    public func prediction(of maps: [Tensor], _ pass: ForwardPass) throws -> Tensor { maps[0] }
}
