import Dispatch
import Foundation
import Reports
import Synchronization

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
                return WaitingModelExtractor(model: try LanguageModelExtractor(configuration))
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

/// The language model for a compute slot, which is a thread of its own and may wait.
private struct WaitingModelExtractor: ReportExtractor {
    let model: LanguageModelExtractor

    func findings(in report: String, language: Language?) throws -> Findings {
        let done = DispatchSemaphore(value: 0)
        let answer = Answer()
        Task.detached { [model] in
            let result: Result<Findings, any Error>
            do { result = .success(try await model.findings(in: report)) } catch { result = .failure(error) }
            answer.result.withLock { $0 = result }
            done.signal()
        }
        done.wait()
        guard let result = answer.result.withLock({ $0 }) else {
            throw ReportsError(.transport, "the language model's answer was lost")
        }
        return try result.get()
    }

    private final class Answer: Sendable {
        let result = Mutex<Result<Findings, any Error>?>(nil)
    }
}
