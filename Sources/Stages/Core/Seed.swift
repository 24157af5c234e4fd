import Digest

/// Randomness that depends on nothing but its name: the job's seed and a path such as stage, round, replica.
public struct Seed: Sendable, Hashable {
    public let value: UInt64

    public init(_ value: UInt64) { self.value = value }

    /// The seed of a part of the work: the first 64 bits of the SHA-256 of this seed and the path.
    public func derived(_ path: String...) -> Seed {
        let text = String(value) + path.map { "\u{0}" + $0 }.joined()
        let bytes = SHA256Digest(hashing: Array(text.utf8)).bytes
        return Seed(bytes.prefix(8).reduce(0) { $0 << 8 | UInt64($1) })
    }

    public var generator: SeededGenerator { SeededGenerator(seed: value) }
}

/// SplitMix64 (Steele, Lea and Flood 2014): the same numbers on every machine and in every version of Swift.
public struct SeededGenerator: Sendable {
    private var state: UInt64

    public init(seed: UInt64) { state = seed }

    public mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// A number in 0..<1, of 53 bits.
    public mutating func unit() -> Double { Double(next() >> 11) * 0x1p-53 }

    /// A number in `0..<bound`; the bias, below bound / 2^64, does not matter here.
    public mutating func below(_ bound: Int) -> Int { Int(next().multipliedFullWidth(by: UInt64(bound)).high) }

    public mutating func isTrue(_ probability: Double) -> Bool { unit() < probability }

    /// Fisher and Yates' shuffle. The library's own may change with Swift's version.
    public mutating func shuffle<Element>(_ elements: inout [Element]) {
        guard elements.count > 1 else { return }
        for index in stride(from: elements.count - 1, through: 1, by: -1) {
            elements.swapAt(index, below(index + 1))
        }
    }
}
