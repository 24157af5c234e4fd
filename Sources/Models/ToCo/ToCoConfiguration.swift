import NeuralNetwork

/// What a ToCo network is made of.
public struct ToCoConfiguration: Sendable, Hashable, Codable {
    /// What draws masks from the encoder's tokens.
    public enum Decoder: String, Sendable, Hashable, NamedChoice {
        /// Two 3×3 convolutions with dilation 5, then 1×1: ToCo's.
        case largeFOV
        /// The sum of four 3×3 convolutions with dilations 6, 12, 18 and 24: the reference's last version.
        case aspp
    }

    /// How patches decide about the image.
    public enum Pooling: String, Sendable, Hashable, NamedChoice {
        /// The classifier reads the maximum over patches of each channel: the reference's. One patch is enough, and
        /// channels may have theirs in different patches, so that no patch of the map need light up.
        case maximum
        /// The image's logit is the mean of the highest numbers of the map itself, `pooledShare` of its patches: what is
        /// learnt about the image is learnt about these patches, and about several (Durand et al., CVPR 2017). For
        /// networks that learn from random weights.
        case topPatches
    }

    public var encoder: ViTConfiguration
    public var pooling: Pooling
    /// Of all patches, those that `topPatches` takes: this share, one at least.
    public var pooledShare: Double
    /// With `topPatches`: what the mean of as many lowest patches counts beside that of the highest (Durand et al.'s α). A
    /// finding that begins at the lower end of the map is then lifted as well; without it, it is never among those chosen.
    public var lowestWeight: Double
    public var decoder: Decoder
    /// Channels inside the LargeFOV decoder.
    public var decoderWidth: Int
    /// The block whose tokens the auxiliary classifier reads, from the end: −1 is the last, −2 the reference's, −(depth + 1)
    /// the embedded patches before any block. There attention has not yet carried to a patch what others show.
    public var auxiliaryLayer: Int
    /// Whether there are the projection heads of the class-token contrast. They serve training alone.
    public var hasProjections: Bool
    /// Hidden, last but one and last width of the projection heads.
    public var projection: [Int]

    public init(
        encoder: ViTConfiguration = .base16, decoder: Decoder = .largeFOV, decoderWidth: Int = 512,
        auxiliaryLayer: Int = -2, hasProjections: Bool = true, projection: [Int] = [2048, 256, 1024],
        pooling: Pooling = .maximum, pooledShare: Double = 0.05, lowestWeight: Double = 0
    ) {
        self.encoder = encoder
        self.decoder = decoder
        self.decoderWidth = decoderWidth
        self.auxiliaryLayer = auxiliaryLayer
        self.hasProjections = hasProjections
        self.projection = projection
        self.pooling = pooling
        self.pooledShare = pooledShare
        self.lowestWeight = lowestWeight
    }

    /// A network small enough to learn from random weights in minutes on two cores: for the synthetic archive.
    public static let small = ToCoConfiguration(
        encoder: ViTConfiguration(patch: 8, width: 96, depth: 6, heads: 3, grid: 14, learnsPositions: true),
        decoderWidth: 64, hasProjections: false)
    /// Half as deep, behind convolutions that let a patch see about 60 pixels around it before attention does.
    public static let smallStem = ToCoConfiguration(
        encoder: ViTConfiguration(
            patch: 8, width: 96, depth: 3, heads: 3, grid: 14, learnsPositions: true, stem: [24, 48], localDepth: 3),
        decoderWidth: 64, hasProjections: false)

    /// Throws `EngineError.invalidOption` that lists everything out of range.
    public func check() throws {
        try encoder.check()
        var faults: [String] = []
        if !(-encoder.depth - 1..<0).contains(auxiliaryLayer) {
            faults.append("auxiliaryLayer \(auxiliaryLayer) is not one of −\(encoder.depth + 1) … −1")
        }
        if !(0...1).contains(lowestWeight) { faults.append("lowestWeight \(lowestWeight) lies outside [0, 1]") }
        if !(pooledShare > 0 && pooledShare <= 1) { faults.append("pooledShare \(pooledShare) is not a share above 0") }
        if decoderWidth < 1 || projection.count != 3 || !projection.allSatisfy({ $0 >= 1 }) {
            faults.append("a decoder of width \(decoderWidth) and projections \(projection): give positive numbers, three of the latter")
        }
        guard faults.isEmpty else { throw EngineError(.invalidOption, faults.joined(separator: "; ")) }
    }
}
