import Digest
import Imaging

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
