/// An image of a data set, with how well its prediction agrees with its mask.
public struct ScoredImage: Sendable, Equatable {
    public var dataset: String
    /// A part of the set that is counted for itself, such as "sequences".
    public var part: String?
    public var centre: String?
    /// Sequence, case or patient; an image of which nothing is known is a group of its own.
    public var group: String?
    public var name: String
    public var size: PolypSize
    /// The mask's share of the image's pixels, 0…1.
    public var share: Double
    public var score: SegmentationScore
    public var binary: BinaryMaskScore
    /// The reference's own Dice (`SoftDice`).
    public var softDice: Double
    /// Whether what trained holds a copy of it, where that was looked for.
    public var isCopy = false

    /// Scores a predicted map, both row-major.
    ///
    /// - Parameters:
    ///   - map: the prediction in 0…1, as the network gave it, for the reference's Dice; nil: `levels` / 255.
    ///   - levels: the prediction in 256 levels.
    /// - Throws: `EvaluationError`.
    public init(
        dataset: String, part: String? = nil, centre: String? = nil, group: String? = nil, name: String, map: [Float]? = nil,
        levels: [UInt8], truth: [Bool], width: Int, height: Int
    ) throws {
        self.dataset = dataset
        self.part = part
        self.centre = centre
        self.group = group
        self.name = name
        let actual: [UInt8] = truth.map { $0 ? 255 : 0 }
        score = try SegmentationScore(prediction: levels, truth: actual, width: width, height: height)
        binary = try BinaryMaskScore(prediction: levels, truth: actual, width: width, height: height)
        softDice = try SoftDice.score(prediction: map ?? levels.map { Float($0) / 255 }, truth: truth.map { $0 ? 1 : 0 })
        share = Double(truth.count { $0 }) / Double(truth.count)
        size = PolypSize(share: share)
    }

    /// For the bootstrap.
    var groupName: String { group.map { "g\u{0}" + (centre ?? "") + "\u{0}" + $0 } ?? "i\u{0}" + (part ?? "") + "\u{0}" + name }
}

/// How large a polyp is in its image; the bounds are those of SUN-SEG's attributes (Ji et al. 2022).
public enum PolypSize: String, Sendable, Hashable, Codable, CaseIterable {
    /// The mask is empty.
    case none
    /// Less than a twentieth of the image.
    case small
    case medium
    /// More than 15 % of it.
    case large

    public init(share: Double) {
        self = share <= 0 ? .none : share < 0.05 ? .small : share <= 0.15 ? .medium : .large
    }
}
