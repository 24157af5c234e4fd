import NeuralNetwork

/// Polyp-PVT among the segmentation networks: on PVTv2-B0 to -B5.
public struct PolypPVTFamily: SegmentationFamily {
    public let name = "polyp-pvt"
    public let title = "Polyp-PVT"
    public let usualSize = PVTSize.b2
    public let sideMultiple = 32
    public let dropsPaths = true
    public let stretchesPredictions = true
    public let trainingStream = "PolypPVTTrainer"
    public let goldenFile: String? = "polyp_pvt"

    public init() {}

    public var recipe: SegmentationRecipe {
        var recipe = SegmentationRecipe()
        recipe.dropPath = 0.1
        recipe.augmentation = .reference
        recipe.scales = [0.75, 1, 1.25]
        return recipe
    }

    public func title(ofSize size: PVTSize) -> String { "\(title) on PVTv2-\("\(size)".uppercased())" }

    public func size(of tensors: TensorShapes) -> PVTSize? {
        guard tensors.names.contains(where: { $0.hasPrefix("CFM.") || $0.hasPrefix("out_CFM.") }) else { return nil }
        return PVTSize(of: tensors, prefix: "backbone.")
    }

    public func network(_ size: PVTSize, dropPath: Float, seed: UInt64?) throws -> sending any SegmentationNetwork {
        try PolypPVT(size, dropPath: dropPath, seed: seed)
    }

    public func encoder(ofSize size: PVTSize) -> KnownNetwork? { .pvt(size) }

    public func golden(_ check: GoldenCheck, wanted: Set<String>) throws -> [String: [Float]] {
        try check.polypPVT(wanted: wanted)
    }
}

extension PolypPVT: SegmentationNetwork {
    public var family: any SegmentationFamily { PolypPVTFamily() }

    public func maps(_ images: Tensor, _ pass: ForwardPass) throws -> [Tensor] {
        let outputs = try self(images, pass)
        return [outputs.first, outputs.second]
    }

    /// The structure loss of each map.
    public func loss(of maps: [Tensor], masks: Tensor) throws -> SegmentationLoss {
        let loss = try StructureLoss(masks: masks)
        return SegmentationLoss(sum: try maps.map { try loss($0) })
    }

    /// The sum of both maps.
    public func prediction(of maps: [Tensor], _ pass: ForwardPass) throws -> Tensor { try pass.sum(maps[0], maps[1]) }

    public func loadEncoder(_ set: ParameterSet) throws { try backbone.loadPretrained(set) }
}
