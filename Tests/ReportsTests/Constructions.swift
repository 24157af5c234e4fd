import Foundation
import Reports
import Testing

/// A sentence or short report and what it says.
struct Construction: Sendable, CustomTestStringConvertible {
    var language: Language
    var polyp: PolypStatus
    var count: Int?
    var sites: [Site]
    var size: Double?
    var morphology: [PolypMorphology]
    var text: String

    var testDescription: String { text }

    /// `polyp|count|sites|size|morphology|text`, as in the tables; a yes without a site is at an unspecified one.
    init?(_ line: Substring, _ language: Language) {
        let fields = line.split(separator: "|", maxSplits: 5, omittingEmptySubsequences: false)
        guard fields.count == 6, let polyp = PolypStatus(rawValue: String(fields[0])) else { return nil }
        self.language = language
        self.polyp = polyp
        count = Int(fields[1])
        sites = fields[2].split(separator: ",").compactMap { Site(rawValue: String($0)) }
        if sites.isEmpty, polyp == .yes { sites = [.unspecified] }
        size = Double(fields[3])
        morphology = fields[4].split(separator: ",").compactMap { PolypMorphology(rawValue: String($0)) }
        text = String(fields[5]).replacingOccurrences(of: "\\n", with: "\n")
    }
}

enum Constructions {
    static let all: [Construction] =
        [
            (english, Language.english), (chinese, .chinese), (german, .german), (scopeInEnglish, .english),
            (scopeInChinese, .chinese), (scopeInGerman, .german),
        ].flatMap { table, language in
            table.split(separator: "\n").compactMap { Construction($0, language) }
        }
}
