/// Free text to findings.
public protocol ReportExtractor: Sendable {
    /// What `report` says of polyps in the bowel in this examination.
    ///
    /// - Parameters:
    ///   - report: the free text, headers and all.
    ///   - language: its language; nil to have it recognised.
    /// - Throws: `ReportsError`, whose description never holds text of the report.
    func findings(in report: String, language: Language?) throws -> Findings
}
