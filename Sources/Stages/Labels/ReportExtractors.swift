import Foundation
import Reports

/// The extractors that the settings of `labels` can ask for.
enum ReportExtractors {
    /// `host:port`, separated by commas: where this worker may send de-identified reports, beside loopback. It is the
    /// worker's to say, not the pipeline's: who submits a job must not decide where reports go.
    static let allowedEndpoints = "ENDOKED_ALLOWED_ENDPOINTS"
    /// The bearer token for the endpoint.
    static let key = "ENDOKED_LLM_KEY"

    /// Where a worker keeps the model's answers, so that a report is asked for once, whoever was killed in between;
    /// set and empty: nowhere.
    static let cache = "ENDOKED_LLM_CACHE"

    /// The folder of answers: what the environment names, else the user's cache.
    static func cacheFolder(_ environment: [String: String]) -> URL? {
        if let named = environment[cache] { return named.isEmpty ? nil : URL(fileURLWithPath: named) }
        func absolute(_ name: String) -> URL? {
            // systemd may name several folders, the first of which is the unit's own.
            guard let path = environment[name]?.split(separator: ":").first, path.hasPrefix("/") else { return nil }
            return URL(fileURLWithPath: String(path))
        }
        if let service = absolute("CACHE_DIRECTORY") { return service.appendingPathComponent("answers") }
        if let user = absolute("XDG_CACHE_HOME") { return user.appendingPathComponent("endoked/answers") }
        return absolute("HOME")?.appendingPathComponent(".cache/endoked/answers")
    }

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
                configuration.cache = cacheFolder(environment)
                // The stage waits for a server that is away, and looks meanwhile whether its shard is still wanted.
                configuration.backoff.tries = 3
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
