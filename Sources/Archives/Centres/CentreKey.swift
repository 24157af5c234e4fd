import Digest

/// A centre's secret. It turns patients into keys that tell them apart, and that nobody without it can open by trying
/// names or numbers, as a bare SHA-256 can be. It never leaves the centre, and is never printed.
public struct CentreKey: Sendable, Hashable, CustomStringConvertible, CustomDebugStringConvertible {
    public static let sizeInBytes = 32

    let bytes: [UInt8]

    /// A new one, from the system's generator, which is cryptographically secure.
    public init() {
        var generator = SystemRandomNumberGenerator()
        bytes = (0..<Self.sizeInBytes).map { _ in UInt8.random(in: 0...255, using: &generator) }
    }

    /// One that was kept; nil when there are not exactly 32 bytes.
    init?(bytes: [UInt8]) {
        guard bytes.count == Self.sizeInBytes else { return nil }
        self.bytes = bytes
    }

    /// HMAC-SHA-256 of centre and patient under this key, as hex.
    public func patientKey(_ patient: String, centre: String) -> String {
        SHA256Digest(authenticating: Array("patient\u{0}\(centre)\u{0}\(patient)".utf8), key: bytes).hex
    }

    public var description: String { "a centre's key" }
    public var debugDescription: String { description }
}
