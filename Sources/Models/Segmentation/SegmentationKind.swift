import NeuralNetwork

/// A family of segmentation networks in one of its sizes.
public struct SegmentationKind: Hashable, Sendable {
    public let family: any SegmentationFamily
    /// One of the family's.
    public let size: String

    public init<Family: SegmentationFamily>(_ family: Family, _ size: Family.Size) {
        (self.family, self.size) = (family, size.rawValue)
    }

    /// Throws `EngineError.invalidOption` for a size that the family has not.
    public init(_ family: any SegmentationFamily, size: String) throws {
        guard family.sizes.contains(size) else {
            throw EngineError(
                .invalidOption,
                "\(family.name) has no size \"\(size)\", only \(family.sizes.joined(separator: ", "))")
        }
        (self.family, self.size) = (family, size)
    }

    /// Of the network whose tensors these are; nil where they are of none in `SegmentationFamilies`.
    public init?(of tensors: TensorShapes) {
        func kind(_ family: some SegmentationFamily) -> SegmentationKind? {
            family.size(of: tensors).map { SegmentationKind(family, $0) }
        }
        for family in SegmentationFamilies.all {
            if let found = kind(family) {
                self = found
                return
            }
        }
        return nil
    }

    public var name: SegmentationName { SegmentationName(family) }

    /// For people.
    public var title: String {
        func title<Family: SegmentationFamily>(_ family: Family) -> String {
            Family.Size(rawValue: size).map { family.title(ofSize: $0) } ?? family.title
        }
        return title(family)
    }

    /// The network as it starts: see `SegmentationFamily.network`.
    public func network(dropPath: Float = 0, seed: UInt64?) throws -> sending any SegmentationNetwork {
        try Self.network(family, size, dropPath, seed)
    }

    private static func network<Family: SegmentationFamily>(
        _ family: Family, _ size: String, _ dropPath: Float, _ seed: UInt64?
    ) throws -> sending any SegmentationNetwork {
        guard let size = Family.Size(rawValue: size) else {
            throw EngineError(.invalidOption, "\(family.name) has no size \"\(size)\"")
        }
        return try family.network(size, dropPath: dropPath, seed: seed)
    }

    /// The network whose files its encoder can start from; nil where there is none.
    public var encoder: KnownNetwork? {
        func encoder<Family: SegmentationFamily>(_ family: Family) -> KnownNetwork? {
            Family.Size(rawValue: size).flatMap { family.encoder(ofSize: $0) }
        }
        return encoder(family)
    }

    public static func == (a: Self, b: Self) -> Bool { a.family.name == b.family.name && a.size == b.size }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(family.name)
        hasher.combine(size)
    }
}

extension SegmentationName {
    /// In the size of the reference.
    public var usualKind: SegmentationKind {
        func kind(_ family: some SegmentationFamily) -> SegmentationKind { SegmentationKind(family, family.usualSize) }
        return kind(family)
    }
}
