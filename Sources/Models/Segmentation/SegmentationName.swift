import NeuralNetwork

/// The name of a family of segmentation networks: one of those in `SegmentationFamilies`.
public struct SegmentationName: NamedChoice, Hashable, Sendable, CustomStringConvertible {
    public let family: any SegmentationFamily

    public init(_ family: any SegmentationFamily) { self.family = family }

    public init?(rawValue: String) {
        guard let family = SegmentationFamilies.all.first(where: { $0.name == rawValue }) else { return nil }
        self.family = family
    }

    public var rawValue: String { family.name }
    public var description: String { family.name }

    public static var allCases: [SegmentationName] { SegmentationFamilies.all.map { SegmentationName($0) } }

    /// The one that is meant where nothing says which.
    public static var usual: SegmentationName { SegmentationName(SegmentationFamilies.all[0]) }

    public static func == (a: Self, b: Self) -> Bool { a.rawValue == b.rawValue }
    public func hash(into hasher: inout Hasher) { hasher.combine(rawValue) }

    /// The nearest name, where one is near enough to be a slip.
    public static func hint(for unknown: String) -> String? {
        let letters = letters(unknown)
        let near = allCases.map { (name: $0.rawValue, steps: changes(letters, Self.letters($0.rawValue))) }
            .min { $0.steps < $1.steps }
        guard let near, near.steps * 2 <= near.name.count else { return nil }
        return "did you mean \"\(near.name)\"?"
    }

    /// Case and marks aside.
    private static func letters(_ text: String) -> [Character] {
        text.prefix(40).lowercased().filter { $0.isLetter || $0.isNumber }
    }

    /// How many letters must be changed, put in or taken out (Levenshtein 1966).
    private static func changes(_ a: [Character], _ b: [Character]) -> Int {
        var row = Array(0...b.count)
        for (i, letter) in a.enumerated() {
            var corner = row[0]
            row[0] = i + 1
            for (j, other) in b.enumerated() {
                let above = row[j + 1]
                row[j + 1] = min(above + 1, row[j] + 1, corner + (letter == other ? 0 : 1))
                corner = above
            }
        }
        return row[b.count]
    }
}

extension SegmentationName {
    /// The number, 1, by which a round or a file says that its network is of this family.
    public var mark: String { "network.\(rawValue)" }

    /// The family that a round's numbers are marked with; nil where there is no mark.
    public init?(markedIn numbers: [String: Double]) {
        guard let found = Self.allCases.first(where: { numbers[$0.mark] == 1 }) else { return nil }
        self = found
    }
}
