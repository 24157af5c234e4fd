/// Two readings of the same report, and where they differ.
public struct ReportComparison: Sendable, Equatable {
    /// What two readings can differ in.
    public enum Field: String, Codable, Sendable, CaseIterable {
        case polyp, count, sites, size, morphology
    }

    public var study: String?
    public var rules: Findings
    public var model: Findings

    public init(study: String? = nil, rules: Findings, model: Findings) {
        self.study = study
        self.rules = rules
        self.model = model
    }

    /// The fields in which the readings differ; empty when they agree.
    public var disagreements: [Field] {
        Field.allCases.filter { field in
            switch field {
            case .polyp: rules.polyp != model.polyp
            case .count: rules.count != model.count
            case .sites: Set(rules.sites) != Set(model.sites)
            case .size: rules.maxSizeMillimetres != model.maxSizeMillimetres
            case .morphology: Set(rules.morphology) != Set(model.morphology)
            }
        }
    }

    /// One read yes where the other read no.
    public var isOpposite: Bool { Set([rules.polyp, model.polyp]) == [.yes, .no] }

    /// Reads `report` both ways.
    ///
    /// - Throws: the first error of either reader.
    public static func of(
        _ report: String, language: Language? = nil, study: String? = nil, rules: RuleBasedExtractor,
        model: LanguageModelExtractor
    ) async throws -> ReportComparison {
        let byRules = try rules.findings(in: report, language: language)
        let byModel = try await model.findings(in: report, study: study)
        return ReportComparison(study: study, rules: byRules, model: byModel)
    }
}
