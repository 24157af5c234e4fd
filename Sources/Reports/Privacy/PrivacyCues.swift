import Foundation

/// The words behind which names and numbers stand: `Lexicons/privacy.json`, for all languages together.
struct PrivacyCues: Decodable, Sendable {
    var nameCues: [String]
    var titles: [String]
    var closings: [String]
    var salutations: [String]
    var idCues: [String]
    var phoneCues: [String]
    var birthCues: [String]
    var addressCues: [String]
    var streets: [String]
    var months: [String]
    var hanCues: [String]
    var hanTitles: [String]
    var hanStops: [String]
    /// One-character Chinese surnames.
    var surnames: String
    var compoundSurnames: [String]
    /// Words with a capital that are no names.
    var keep: [String]

    static func embedded() throws -> PrivacyCues {
        do {
            return try JSONDecoder().decode(PrivacyCues.self, from: Data(PackageResources.privacy_json))
        } catch {
            throw ReportsError(.malformedLexicon, "privacy.json does not follow its form: \(error)")
        }
    }

    /// A regular expression for any of `words`, the longest first; blanks match any blanks within a line.
    static func choice(_ words: [String]) -> String {
        let escaped = words.sorted { $0.count > $1.count }.map {
            NSRegularExpression.escapedPattern(for: $0).replacingOccurrences(of: " ", with: "[ \\t]+")
        }
        return "(?:" + escaped.joined(separator: "|") + ")"
    }
}
