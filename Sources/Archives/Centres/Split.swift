import Digest

/// Which part of the archive a study belongs to.
public enum Split: String, Sendable, Hashable, Codable, CaseIterable {
    case train
    case val
    case test

    /// Reads what an archive says; nil for a word that is none of the usual ones.
    public init?(named word: String) {
        switch word.lowercased() {
        case "train", "training": self = .train
        case "val", "valid", "validation", "dev": self = .val
        case "test", "testing", "holdout": self = .test
        default: return nil
        }
    }

    /// The split of a patient where the archive names none: 70 % train, 10 % val, 20 % test, by the SHA-256 of centre and
    /// patient. A patient stays where he is when others are added.
    public init(patient: String, centre: String) {
        let digest = SHA256Digest(hashing: Array("split\u{0}\(centre)\u{0}\(patient)".utf8))
        let value = digest.bytes.prefix(4).reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        let share = Double(value) / 4_294_967_296
        self = share < 0.7 ? .train : share < 0.8 ? .val : .test
    }
}
