import NeuralNetwork

/// The sizes of a vision transformer (Dosovitskiy et al., ICLR 2021).
public struct ViTConfiguration: Sendable, Hashable, Codable {
    /// Pixels along the side of a patch.
    public var patch: Int
    /// Numbers a token.
    public var width: Int
    public var depth: Int
    public var heads: Int
    /// How many times wider than a token the hidden layer of each block is.
    public var expansion: Int
    /// Patches along each side for which position embeddings are kept; other grids take them interpolated.
    public var grid: Int
    /// Whether position embeddings learn. ToCo keeps those of its pretraining.
    public var learnsPositions: Bool
    /// Probability with which a training image passes by the last block's branches; blocks before have less, in
    /// proportion to their place (stochastic depth).
    public var dropPath: Float
    /// Channels of convolutions of stride 2, each with ReLU, before the embedding of patches; none in the published sizes.
    /// With any, the embedding is such a convolution as well, and `patch` is two to the power of their number. A
    /// transformer with such a stem learns from random weights in far fewer steps (Xiao et al., NeurIPS 2021).
    public var stem: [Int]
    /// Pixels along the side of a kernel of the stem: 4, with which a patch's number stands at the patch's centre. With 3,
    /// as in networks of earlier versions, it stands near the upper left corner, and a map lies too low and too far right
    /// by nearly half a patch.
    public var stemKernel: Int
    /// Residual 3×3 convolutions over the embedded patches, x + convolution(ReLU(x)), before the first block: what a patch
    /// learns of its neighbours without attention. None in the published sizes.
    public var localDepth: Int

    public init(
        patch: Int = 16, width: Int, depth: Int = 12, heads: Int, expansion: Int = 4, grid: Int = 14,
        learnsPositions: Bool = false, dropPath: Float = 0, stem: [Int] = [],
        stemKernel: Int = 4, localDepth: Int = 0
    ) {
        self.patch = patch
        self.width = width
        self.depth = depth
        self.heads = heads
        self.expansion = expansion
        self.grid = grid
        self.learnsPositions = learnsPositions
        self.dropPath = dropPath
        self.stem = stem
        self.stemKernel = stemKernel
        self.localDepth = localDepth
    }

    /// ViT-B/16, timm's `vit_base_patch16_224`; also DeiT-B, `deit_base_patch16_224`, whose checkpoints have the same
    /// names and shapes.
    public static let base16 = ViTConfiguration(width: 768, heads: 12)
    /// ViT-S/16 and DeiT-S.
    public static let small16 = ViTConfiguration(width: 384, heads: 6)
    /// DeiT-Ti.
    public static let tiny16 = ViTConfiguration(width: 192, heads: 3)

    /// Throws `EngineError.invalidOption` that lists everything out of range.
    func check() throws {
        var faults: [String] = []
        for (name, number) in [
            ("patch", patch), ("width", width), ("depth", depth), ("heads", heads), ("expansion", expansion),
            ("grid", grid),
        ] where number < 1 { faults.append("\(name) \(number) is less than one") }
        if heads > 0, width % heads != 0 { faults.append("a width of \(width) cannot be shared by \(heads) heads") }
        if !stem.allSatisfy({ $0 >= 1 }) { faults.append("the stem's channels \(stem) are not all one or more") }
        if ![3, 4].contains(stemKernel) { faults.append("a stem's kernel of \(stemKernel) is neither 3 nor 4") }
        if !(0...16).contains(localDepth) { faults.append("localDepth \(localDepth) is not 0 to 16") }
        if !stem.isEmpty, stem.count > 6 || patch != 2 << stem.count {
            faults.append("a stem of \(stem.count) convolutions does not end in patches of \(patch): they halve, and so does the embedding")
        }
        if !(0..<1).contains(dropPath) { faults.append("dropPath \(dropPath) lies outside [0, 1)") }
        guard faults.isEmpty else {
            throw EngineError(.invalidOption, "vision transformer: " + faults.joined(separator: "; "))
        }
    }
}
