import NeuralNetwork

/// Which published Segment Anything: the three of Kirillov et al. (2023), which differ in their image encoder, and
/// MobileSAM (Zhang et al. 2023), whose encoder is a TinyViT.
public enum SegmentAnythingKind: String, Sendable, Hashable, NamedChoice {
    case vitB, vitL, vitH, mobile

    /// The encoder's measures; nil for MobileSAM.
    var transformer: ImageEncoderConfiguration? {
        switch self {
        case .vitB: ImageEncoderConfiguration(width: 768, depth: 12, heads: 12, globalBlocks: [2, 5, 8, 11])
        case .vitL: ImageEncoderConfiguration(width: 1024, depth: 24, heads: 16, globalBlocks: [5, 11, 17, 23])
        case .vitH: ImageEncoderConfiguration(width: 1280, depth: 32, heads: 16, globalBlocks: [7, 15, 23, 31])
        case .mobile: nil
        }
    }
}
