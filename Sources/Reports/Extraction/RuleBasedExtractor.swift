import Foundation

/// Reads reports by rules: the embedded default, and the cross-check of a language model.
///
/// A small engine over lexicons of words (English, Chinese, German): sections, statements, clauses, then scopes of
/// negation, doubt, time, subject and organ as in NegEx and ConText, then sums. Deterministic, no network.
public struct RuleBasedExtractor: ReportExtractor {
    /// Longer texts are no reports.
    public static let largestReport = 5 << 20

    private let lexicons: Lexicons

    /// With the lexicons that come with the program.
    public init() throws {
        lexicons = try Lexicons.embedded()
    }

    /// With lexicons of one's own, one JSON document a language; those that come with the program serve the rest.
    ///
    /// - Throws: `ReportsError.Code.malformedLexicon`.
    public init(lexicons documents: [Data]) throws {
        lexicons = try Lexicons.embedded(except: documents.map { try Lexicon(json: $0) })
    }

    func lexicon(for language: Language) -> Lexicon? { lexicons[language] }

    /// The language in which a report is written, as far as its words tell.
    public func language(of report: String) -> Language { lexicons.language(of: report) }

    public func findings(in report: String, language: Language?) throws -> Findings {
        guard report.utf8.count <= Self.largestReport else {
            throw ReportsError(
                .reportTooLarge, "a report of \(report.utf8.count) bytes is no report; the limit is \(Self.largestReport)")
        }
        guard report.unicodeScalars.contains(where: { $0.properties.isAlphabetic }) else {
            throw ReportsError(.emptyReport, "the report has no words")
        }
        let language = language ?? lexicons.language(of: report)
        guard let lexicon = lexicons[language] else {
            throw ReportsError(.malformedLexicon, "there is no lexicon for language \(language.rawValue)")
        }
        var reader = ReportReader(report, lexicon: lexicon)
        return reader.read()
    }
}
