import Reports

/// The extractors that the settings of `labels` can ask for.
enum ReportExtractors {
    static func make(_ settings: LabelsSettings) throws -> any ReportExtractor {
        do {
            switch settings.extractor {
            case .rules: return try RuleBasedExtractor()
            case .model:
                throw StageError(.invalidSettings, "stage labels: this version has no language-model extractor yet")
            }
        } catch let error as ReportsError {
            throw StageError(.invalidSettings, "stage labels: \(error.description)")
        }
    }
}
