import Foundation

/// SplitMix64 (Steele, Lea, Flood 2014): 64 bits of state, the same stream on every machine.
///
/// The standard library may change how it draws from a generator; the draws below are fixed here, so that one seed is
/// one augmentation and one synthetic archive.
public struct SeededGenerator: RandomNumberGenerator, Sendable {
    private var state: UInt64

    public init(seed: UInt64) { state = seed }

    /// A stream of its own for each name under one seed: FNV-1a of the UTF-8, mixed into the seed.
    public init(seed: UInt64, stream name: String) {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in name.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        var mixer = SeededGenerator(seed: seed)
        state = mixer.next() ^ hash
        _ = next()
    }

    public mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// Uniform in 0..<1, with 53 bits.
    public mutating func uniform() -> Double { Double(next() >> 11) * 0x1p-53 }

    /// Uniform between the bounds.
    public mutating func uniform(_ range: ClosedRange<Double>) -> Double {
        range.lowerBound + (range.upperBound - range.lowerBound) * uniform()
    }

    /// Uniform over whole numbers; the modulus' bias is below 2⁻⁴⁰ for ranges under 16 million.
    public mutating func integer(_ range: ClosedRange<Int>) -> Int {
        range.lowerBound + Int(next() % UInt64(range.upperBound - range.lowerBound + 1))
    }

    /// True with a probability.
    public mutating func chance(_ probability: Double) -> Bool { uniform() < probability }

    /// Standard normal, by Box and Muller.
    public mutating func normal() -> Double {
        (-2 * log(1 - uniform())).squareRoot() * cos(2 * .pi * uniform())
    }

    /// One of `options`; nil when there is none.
    public mutating func pick<Element>(_ options: [Element]) -> Element? {
        options.isEmpty ? nil : options[integer(0...(options.count - 1))]
    }

    /// The elements in a random order (Fisher and Yates).
    public mutating func shuffled<Element>(_ elements: [Element]) -> [Element] {
        var result = elements
        for last in stride(from: result.count - 1, to: 0, by: -1) {
            result.swapAt(last, integer(0...last))
        }
        return result
    }
}
