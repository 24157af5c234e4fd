/// A model's reading beside that of the rules: where they differ about the polyp, the report is set aside.
///
/// A label that one of two readers contradicts is wrong more often than one on which they agree, and a study without a
/// label costs training less than one with a wrong label.
public struct CrossCheckedExtractor: ReportExtractor {
    private let model: any ReportExtractor
    private let rules: any ReportExtractor

    public init(model: any ReportExtractor, rules: any ReportExtractor) {
        self.model = model
        self.rules = rules
    }

    /// The model's findings; `uncertain`, with no number, where the rules read the polyp otherwise.
    ///
    /// - Throws: the first error of either reader.
    public func findings(in report: String, language: Language?) throws -> Findings {
        var found = try model.findings(in: report, language: language)
        let other = try rules.findings(in: report, language: language)
        guard found.polyp != other.polyp else { return found }
        found.polyp = .uncertain
        found.count = nil
        found.confidence = min(found.confidence, other.confidence, 0.5)
        return found
    }
}
