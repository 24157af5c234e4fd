import Models

/// Which networks' files a setting takes.
struct WeightsKind: Sendable {
    /// For messages.
    let name: String
    let accepts: @Sendable (KnownNetwork) -> Bool

    static let mil = WeightsKind(name: "a MIL network, as mil-train writes it") {
        if case .mil = $0 { true } else { false }
    }
    static let toCo = WeightsKind(name: "a ToCo network, as toco-train writes it") {
        if case .toCo = $0 { true } else { false }
    }
    static let segmentation = WeightsKind(name: "a " + SegmentationFamilies.all.map(\.title).joined(separator: " or ")) {
        if case .segmentation = $0 { true } else { false }
    }
    static func segmentation(_ name: SegmentationName) -> WeightsKind {
        WeightsKind(name: "a \(name.family.title)") {
            if case .segmentation(let kind) = $0 { kind.name == name } else { false }
        }
    }
    static let biopsy = WeightsKind(name: "a biopsy network, as biopsy-train writes it") {
        if case .biopsy = $0 { true } else { false }
    }
    static let segmentAnything = WeightsKind(name: "a Segment Anything") {
        if case .segmentAnything = $0 { true } else { false }
    }

    /// What a MIL network on `encoder` can start from.
    static func start(ofMIL encoder: EncoderKind) -> WeightsKind {
        one(of: .encoder(encoder), .mil(encoder))
    }

    /// What a biopsy network on `encoder` can start from.
    static func start(ofBiopsy encoder: EncoderKind) -> WeightsKind {
        WeightsKind(name: "\(encoder.rawValue), or a MIL or biopsy network on it") {
            [.encoder(encoder), .mil(encoder), .biopsy(encoder)].contains($0)
        }
    }

    /// What a ToCo whose tokens are `width` numbers can start from.
    static func start(ofToCo width: Int) -> WeightsKind {
        WeightsKind(name: "a ViT of width \(width), or a ToCo on one") {
            switch $0 {
            case .visionTransformer(width), .toCo(_, width): true
            default: false
            }
        }
    }

    /// What a segmentation network can start from.
    static func start(of kind: SegmentationKind) -> WeightsKind {
        let whole = KnownNetwork.segmentation(kind)
        return kind.encoder.map { one(of: $0, whole) } ?? WeightsKind(name: "a \(kind.title)") { $0 == whole }
    }

    private static func one(of first: KnownNetwork, _ second: KnownNetwork) -> WeightsKind {
        WeightsKind(name: "\(first.name) or a \(second.name)") { $0 == first || $0 == second }
    }
}
