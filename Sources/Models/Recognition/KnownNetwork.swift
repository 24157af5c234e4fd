import NeuralNetwork

/// The published networks that this program reads, as a checkpoint's tensors tell them apart.
public enum KnownNetwork: Hashable, Sendable {
    /// An image encoder with its published names.
    case encoder(EncoderKind)
    /// The MIL network that `mil-train` writes: encoder, two teachers, student.
    case mil(EncoderKind)
    /// What `biopsy-train` writes: encoder and head.
    case biopsy(EncoderKind)
    /// timm's and DeiT's names.
    case visionTransformer(width: Int)
    case toCo(ToCoConfiguration.Decoder, width: Int)
    /// PVTv2 with its own names.
    case pvt(PVTSize)
    case segmentation(SegmentationKind)
    case segmentAnything(SegmentAnythingKind)

    /// Which network these tensors are of; nil for none that is known.
    public init?(of tensors: TensorShapes) {
        func width(_ name: String) -> Int? { tensors[name]?.first }
        if tensors.names.contains(where: { $0.hasPrefix("image_encoder.") }) {
            guard let kind = try? SegmentAnythingCheckpoint.kind(of: tensors) else { return nil }
            self = .segmentAnything(kind)
        } else if let kind = SegmentationKind(of: tensors) {
            self = .segmentation(kind)
        } else if let size = PVTSize(of: tensors) {
            self = .pvt(size)
        } else if let width = width("encoder.patch_embed.proj.weight"), tensors["classifier.weight"] != nil {
            self = .toCo(ToCoConfiguration(of: tensors).decoder, width: width)
        } else if let width = width("patch_embed.proj.weight"), tensors["blocks.0.attn.qkv.weight"] != nil {
            self = .visionTransformer(width: width)
        } else if tensors.names.contains(where: { $0.hasPrefix("student.") }), let kind = EncoderKind(of: tensors.below("encoder.")) {
            self = .mil(kind)
        } else if let kind = EncoderKind(ofBiopsy: tensors) {
            self = .biopsy(kind)
        } else if let kind = EncoderKind(of: tensors) {
            self = .encoder(kind)
        } else {
            return nil
        }
    }

    public var name: String {
        switch self {
        case .encoder(let kind): kind.rawValue
        case .mil(let kind): "MIL network on \(kind.rawValue)"
        case .biopsy(let kind): "biopsy network on \(kind.rawValue)"
        case .visionTransformer(let width): "ViT/DeiT of width \(width)"
        case .toCo(let decoder, let width): "ToCo on a ViT of width \(width), decoder \(decoder)"
        case .pvt(let size): "PVTv2-\("\(size)".uppercased())"
        case .segmentation(let kind): kind.title
        case .segmentAnything(.mobile): "MobileSAM"
        case .segmentAnything(let kind): "Segment Anything, \(kind)"
        }
    }

    /// Builds the network and loads the tensors into it, as a stage does.
    ///
    /// Throws `ParameterError.missingTensors`, which names every tensor that is missing, has no place or another shape;
    /// `EngineError` for sizes that make no network.
    public func load(_ set: ParameterSet) throws {
        switch self {
        case .encoder(let kind): try kind.make(seed: nil).load(kind.tensors(of: set))
        case .mil(let kind):
            let configuration = MILConfiguration(
                encoder: kind, teacherHidden: set["attention.classifier.1.weight"]?.shape.first ?? 1024,
                studentHidden: set["student.classifier.1.weight"]?.shape.first ?? 4096)
            try MILNetwork(configuration, seed: 0).load(set)
        case .biopsy(let kind): try BiopsyNetwork(kind, seed: nil).load(set)
        case .visionTransformer:
            _ = try VisionTransformer(ViTConfiguration(of: set.shapes), seed: nil).loadPretrained(set)
        case .toCo: _ = try ToCoNetwork(ToCoConfiguration(of: set.shapes), seed: nil).loadCheckpoint(set)
        case .pvt(let size): try PVT(size, seed: nil).loadPretrained(set)
        case .segmentation(let kind): try kind.network(seed: nil).load(set)
        case .segmentAnything(let kind): try SegmentAnythingNetwork(kind).load(SegmentAnythingCheckpoint.used(set))
        }
    }
}
