import Foundation
import Synchronization

/// Reads reports with a language model behind an OpenAI-compatible chat endpoint (llama.cpp, vLLM, Ollama …).
///
/// What leaves the process is the de-identified report and nothing else, and only to an allowed endpoint. The answer
/// must follow the schema; what does not is asked again, then an error. It never guesses.
public final class LanguageModelExtractor: Sendable {
    public struct Configuration: Sendable {
        public var endpoint: Endpoint
        public var model: String
        /// Seconds for one reply, doubled when the model did not answer in time. A small model on two processors takes a
        /// minute for a report, and whoever is asked by several at once may answer one after another.
        public var timeout: Double = 300
        public var backoff = Backoff()
        /// Requests under way at once.
        public var concurrency = 4
        /// Bytes of the largest reply that is read.
        public var largestReply = 1 << 20
        /// Tokens of the longest answer that is asked for.
        public var longestAnswer = 512
        public var seed = 1
        /// Where answers are kept; nil keeps none.
        public var cache: URL?
        /// Sent as a bearer token; see `ModelKey`.
        public var key: ModelKey?

        public init(endpoint: Endpoint, model: String) {
            self.endpoint = endpoint
            self.model = model
        }
    }

    private let configuration: Configuration
    private let transport: ChatTransport
    private let deidentifier: Deidentifier
    private let cache: AnswerCache?
    private let gate: Gate
    /// The form of schema that the server understands, once it has refused another.
    private let form = Mutex(Prompt.SchemaForm.jsonSchema)
    private let sleep: @Sendable (Double) async throws -> Void

    /// - Throws: `cacheUnwritable`, or `malformedLexicon` should the program's own data be broken.
    public convenience init(_ configuration: Configuration) throws {
        try self.init(configuration) { try await Task.sleep(nanoseconds: UInt64($0 * 1e9)) }
    }

    /// - Parameter sleep: waits so many seconds; tests pass their own.
    package init(_ configuration: Configuration, sleep: @escaping @Sendable (Double) async throws -> Void) throws {
        self.configuration = configuration
        self.sleep = sleep
        transport = ChatTransport(largestReply: configuration.largestReply)
        deidentifier = try Deidentifier()
        cache = try configuration.cache.map { try AnswerCache(directory: $0) }
        gate = Gate(width: configuration.concurrency)
    }

    deinit { transport.close() }

    /// Ends the connections. The extractor can be used again.
    public func close() { transport.close() }

    /// What the model reads in `report`.
    ///
    /// - Parameter study: named in errors.
    /// - Throws: `ReportsError`: `answerInvalid`, `unavailable`, `timedOut`, `transport`, `answerTooLarge` after the last
    ///   try; `httpStatus`, `reportTooLarge`, `emptyReport` without another.
    public func findings(in report: String, study: String? = nil) async throws -> Findings {
        guard report.utf8.count <= RuleBasedExtractor.largestReport else {
            throw ReportsError(.reportTooLarge, "a report of \(report.utf8.count) bytes is no report", study: study)
        }
        guard report.contains(where: \.isLetter) else {
            throw ReportsError(.emptyReport, "the report has no words", study: study)
        }
        let text = deidentifier.deidentified(report)
        let key = AnswerCache.key(model: configuration.model, text: text)
        guard let cache else { return try await answer(to: text, study: study).findings(in: report) }
        if let kept = cache.answer(for: key) { return kept.findings(in: report) }
        // Another slot or worker may be asking for the same text: its answer is waited for.
        let claim = try await cache.claim(key, sleep: sleep)
        defer { claim.end() }
        if let kept = cache.answer(for: key) { return kept.findings(in: report) }
        let answer = try await answer(to: text, study: study)
        try cache.keep(answer, for: key)
        return answer.findings(in: report)
    }

    private func answer(to text: String, study: String?) async throws -> ModelAnswer {
        try await gate.pass { try await self.ask(text, study: study) }
    }

    /// The prompt that would be sent for `report`: for tests and for those who must see what leaves the house.
    public func prompt(for report: String) -> String {
        Prompt.text(deidentifier.deidentified(report))
    }

    private func ask(_ text: String, study: String?) async throws -> ModelAnswer {
        var failures = 0
        var timeout = configuration.timeout
        while true {
            var asked: Double?
            var failure: ReportsError
            do {
                let form = form.withLock { $0 }
                let reply = try await transport.post(
                    try body(text, form: form), to: configuration.endpoint.url, headers: headers, timeout: timeout)
                if reply.status >= 400, form == .jsonSchema, Self.refusesForm(reply.body) {
                    self.form.withLock { $0 = .jsonObject }
                    continue
                }
                switch reply.status {
                case 200:
                    do {
                        return try ModelAnswer.read(reply: reply.body)
                    } catch let flaw as ModelAnswer.Flaw {
                        failure = ReportsError(.answerInvalid, "\(flaw.reason), after \(failures + 1) tries")
                    }
                case 429, 408, 500...599:
                    asked = reply.retryAfter
                    failure = ReportsError(.unavailable, "the model's server answered \(reply.status), after \(failures + 1) tries")
                case 400 where Self.isTooLong(reply.body), 413:
                    throw ReportsError(.reportTooLarge, "the report is longer than the model's context", study: study)
                default:
                    throw ReportsError(
                        .httpStatus, "the model's server answered \(reply.status): check model, key and address", study: study)
                }
            } catch let error as ReportsError {
                // Neither a refusal nor an endless reply becomes better by asking again.
                guard error.code == .timedOut || error.code == .transport else {
                    var error = error
                    error.study = study
                    throw error
                }
                failure = error
                // Asked again as impatiently, a slow server would only have more to do.
                if error.code == .timedOut { timeout = min(timeout * 2, configuration.timeout * Self.greatestPatience) }
            }
            failures += 1
            guard failures < configuration.backoff.tries else {
                failure.study = study
                throw failure
            }
            try await sleep(configuration.backoff.delay(after: failures, random: .random(in: 0..<1), asked: asked))
        }
    }

    private static let greatestPatience = 4.0

    /// As llama.cpp, vLLM and OpenAI say it ("context length", "context_length_exceeded", "exceeds the available context").
    private static func isTooLong(_ body: Data) -> Bool { body.range(of: Data("context".utf8)) != nil }

    /// Whether an error's text is about the form of the answer that was asked for.
    private static func refusesForm(_ body: Data) -> Bool { body.range(of: Data("response_format".utf8)) != nil }

    private var headers: [String: String] {
        var headers = ["Content-Type": "application/json"]
        if let key = configuration.key { headers["Authorization"] = "Bearer \(key.secret)" }
        return headers
    }

    private func body(_ text: String, form: Prompt.SchemaForm) throws -> Data {
        try Prompt.body(
            model: configuration.model, report: text, seed: configuration.seed, longestAnswer: configuration.longestAnswer,
            form: form)
    }
}
