import Dispatch
import Synchronization

/// The language model for callers that may wait: a compute slot, a command. Never for a task: it blocks its thread.
public struct WaitingModelExtractor: ReportExtractor {
    private let model: LanguageModelExtractor

    public init(_ model: LanguageModelExtractor) { self.model = model }

    public func findings(in report: String, language: Language?) throws -> Findings {
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
