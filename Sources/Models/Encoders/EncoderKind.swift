import NeuralNetwork

/// The members of one family of image encoders: an enumeration of its sizes.
public protocol EncoderFamily: NamedChoice, Sendable, Hashable {
    /// Length of a feature vector.
    var features: Int { get }
    /// Sides of its images are multiples of this.
    var sideMultiple: Int { get }
    /// The side of the images that its published weights were trained on.
    var publishedSide: Int { get }
    /// The colours that its published weights take.
    static var publishedColours: ColourNormalisation { get }
    /// With what the names of its classifier begin, which an encoder leaves out.
    static var classifierPrefix: String { get }

    /// Which member these tensors are of, without a prefix; nil for none.
    init?(of tensors: TensorShapes)

    /// Starting values come from the seed; without one everything learnt starts at zero or one, for who loads parameters.
    func make(seed: UInt64?) throws -> sending any ImageBackbone
}

/// An image encoder by its name, of whatever family. A new family is a folder and a line in `families`.
public struct EncoderKind: NamedChoice, Hashable, Sendable {
    private static let families: [any EncoderFamily.Type] = [ResNetKind.self, EfficientNetLiteSize.self]

    private let member: any EncoderFamily

    public init(_ member: any EncoderFamily) { self.member = member }

    /// Nil for a name that no family has.
    public init?(rawValue: String) {
        for family in Self.families {
            if let found = family.init(rawValue: rawValue) {
                self.init(found)
                return
            }
        }
        return nil
    }

    /// Which encoder these tensors are of, classifier or not; nil for none that is known.
    public init?(of tensors: TensorShapes) {
        for family in Self.families {
            if let found = family.init(of: tensors) {
                self.init(found)
                return
            }
        }
        return nil
    }

    public static var allCases: [EncoderKind] { families.flatMap { $0.kinds } }

    public static func == (a: EncoderKind, b: EncoderKind) -> Bool { a.rawValue == b.rawValue }
    public func hash(into hasher: inout Hasher) { hasher.combine(rawValue) }

    public var rawValue: String { member.rawValue }
    public var features: Int { member.features }
    public var sideMultiple: Int { member.sideMultiple }
    public var publishedSide: Int { member.publishedSide }
    public var publishedColours: ColourNormalisation { type(of: member).publishedColours }

    /// As `EncoderFamily.make`.
    public func make(seed: UInt64?) throws -> sending any ImageBackbone { try member.make(seed: seed) }

    /// The encoder's tensors of a published file: its classifier left out, `prefix` taken off names that have it.
    public func tensors(of file: ParameterSet, prefix: String = "encoder.") throws -> ParameterSet {
        let classifier = type(of: member).classifierPrefix
        let entries = file.entries.compactMap { entry -> ParameterSet.Entry? in
            var entry = entry
            if entry.name.hasPrefix(prefix) { entry.name.removeFirst(prefix.count) }
            return entry.name.hasPrefix(classifier) ? nil : entry
        }
        return try ParameterSet(entries: entries)
    }
}

extension EncoderFamily {
    fileprivate static var kinds: [EncoderKind] { allCases.map { EncoderKind($0) } }
}
