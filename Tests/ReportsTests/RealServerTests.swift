import Foundation
import Reports
import Testing

/// Against a real server with a model of random weights: see ops/bench/reports/llm-server.
@Suite struct RealServerTests {
    static let endpoint = ProcessInfo.processInfo.environment["ENDOKED_LLM"]

    /// Random weights held to a schema answer with nonsense in its form, or with an error that names the study: never
    /// with anything else.
    @Test(.enabled(if: endpoint != nil, "ENDOKED_LLM names no server"), .timeLimit(.minutes(5)))
    func answersInTheFormOrFailsByName() async throws {
        var configuration = LanguageModelExtractor.Configuration(
            endpoint: try Endpoint(try #require(Self.endpoint), allowed: []), model: "tiny")
        configuration.backoff = Backoff(first: 0.1, longest: 1, tries: 2)
        configuration.concurrency = 2
        configuration.longestAnswer = 600
        let extractor = try LanguageModelExtractor(configuration)
        for number in 0..<3 {
            do {
                let findings = try await extractor.findings(
                    in: "Report \(number): a 5 mm polyp in the sigmoid.", study: "S-\(number)")
                #expect((0...1).contains(findings.confidence))
            } catch let error as ReportsError {
                #expect(error.study == "S-\(number)")
                #expect([.answerInvalid, .timedOut].contains(error.code), "\(error)")
            }
        }
        extractor.close()
    }
}
