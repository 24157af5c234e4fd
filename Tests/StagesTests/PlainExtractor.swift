import Reports

/// Says yes to what mentions a polyp in millimetres, no to what says `No`, and fails on anything else.
struct PlainExtractor: ReportExtractor {
    func findings(in report: String, language: Language?) throws -> Findings {
        if report.contains("mm") {
            return Findings(polyp: .yes, count: 1, confidence: 0.9, evidence: EvidenceSpan(offset: 0, length: 4))
        }
        guard report.hasPrefix("No") else { throw ReportsError(.emptyReport, "nothing to read") }
        return Findings(polyp: .no, confidence: 0.8)
    }
}
