import Foundation
import Reports

/// The extractors that the settings of `labels` can ask for.
enum ReportExtractors {
    /// `host:port`, separated by commas: where this worker may send de-identified reports, beside loopback. It is the
    /// worker's to say, not the pipeline's: who submits a job must not decide where reports go.
    static let allowedEndpoints = "ENDOKED_ALLOWED_ENDPOINTS"
    /// The bearer token for the endpoint.
    static let key = "ENDOKED_LLM_KEY"

    static func make(_ settings: LabelsSettings) throws -> any ReportExtractor {
        do {
            switch settings.extractor {
            case .rules: return try RuleBasedExtractor()
            case .model:
                let environment = ProcessInfo.processInfo.environment
                let allowed = (environment[allowedEndpoints] ?? "").split(separator: ",")
                    .map { $0.trimmingCharacters(in: .whitespaces) }
                var configuration = LanguageModelExtractor.Configuration(
                    endpoint: try Endpoint(settings.endpoint ?? "", allowed: allowed), model: settings.model ?? "default")
                configuration.key = try ModelKey(environment: key)
                let model = WaitingModelExtractor(try LanguageModelExtractor(configuration))
                switch settings.disagreement {
                case .keep: return model
                case .uncertain: return CrossCheckedExtractor(model: model, rules: try RuleBasedExtractor())
                }
            }
        } catch let error as ReportsError {
            throw StageError(
                .invalidSettings,
                "stage labels: \(error.description)"
                    + (error.code == .endpointRefused ? " (\(allowedEndpoints) of the worker's environment)" : ""))
        }
    }

    /// What a coordinator can check: that an endpoint is written as one. Whether it is allowed is for each worker to say.
    static func check(_ settings: LabelsSettings) throws {
        do {
            if settings.extractor == .model { _ = try Endpoint(settings.endpoint ?? "", allowed: []) }
        } catch let error as ReportsError where error.code != .endpointRefused {
            throw StageError(.invalidSettings, "stage labels: \(error.description)")
        } catch is ReportsError {
            return
        }
    }
}
