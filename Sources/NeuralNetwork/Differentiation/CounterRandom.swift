import Foundation

/// Random numbers as a function of a seed and a counter (SplitMix64): any of them can be computed without those
/// before, so they depend on no thread and no order. Foundation's `log` and `cos` make the normal ones.
public struct CounterRandom: RandomNumberGenerator, Sendable {
    private let seed: UInt64
    private var counter: UInt64 = 0

    public init(seed: UInt64) { self.seed = seed }

    /// A sequence of its own for each name, made from one seed.
    public init(seed: UInt64, stream: String) {
        // FNV-1a of the name, mixed once more with the seed.
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in stream.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        self.init(seed: Self.mixed(seed ^ hash, at: 0))
    }

    /// The number at a place of the sequence of `seed`.
    public static func mixed(_ seed: UInt64, at place: UInt64) -> UInt64 {
        var z = seed &+ (place &+ 1) &* 0x9E37_79B9_7F4A_7C15
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    public mutating func next() -> UInt64 {
        defer { counter &+= 1 }
        return Self.mixed(seed, at: counter)
    }

    /// In [0, 1), with 53 bits.
    public mutating func uniform() -> Double { Double(next() >> 11) * 0x1p-53 }

    /// Normal with mean 0 and deviation 1 (Box and Muller).
    public mutating func normal() -> Double {
        let radius = (-2 * log(1 - uniform())).squareRoot()
        return radius * cos(2 * Double.pi * uniform())
    }
}
