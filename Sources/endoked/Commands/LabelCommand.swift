import Foundation
import Reports
import Stages

/// `endoked label`: reports to findings, without a cluster.
struct LabelCommand: Command {
    static let spec = CommandSpec(
        name: "label", summary: "read reports: polyp or not, how many, where, how large; one line in, one line out",
        discussion: """
            FILE holds one JSON object a line with `text` and `id` (or `study`), and perhaps `language` (en, zh, de). The
            answer keeps the order and the id. A line that cannot be read becomes a line with `error`, and the exit code 3.
            The embedded rules read; with --endpoint a language model does, which is sent de-identified text only. Its
            key, if it needs one, is taken from ENDOKED_LLM_KEY. With --compare both read: a line holds the findings of
            the rules, those of the language model under `model`, and under `disagreements` what they differ in (polyp,
            count, sites, size, morphology); the totals are printed. A line that the model did not answer is an `error`.
            """,
        arguments: [.init(name: "FILE", help: "reports.jsonl; - for standard input")],
        options: [
            .option("out", "FILE", "default: standard output"),
            .option("endpoint", "URL", "ask a language model there (OpenAI-compatible, such as http://127.0.0.1:8080/v1)"),
            .option("model", "NAME", "the model's name at the endpoint; default: default"),
            .option("allow-endpoint", "HOST:PORT", "an endpoint that is not on this machine", repeats: true),
            .option("cache", "DIR", "keep the model's answers here, by content"),
            .option("timeout", "SECONDS", "for one answer of the model; default: 300"),
            .flag("compare", "read by the rules and by the model at --endpoint, and list where they disagree"),
            .flag("score", "compare with the findings that the lines carry and print how many are right"),
        ])

    private let input: String
    private let output: String?
    private let scores: Bool
    private let compares: Bool
    private let model: LanguageModelExtractor.Configuration?

    init(_ arguments: ParsedArguments) throws {
        input = arguments.arguments[0]
        output = arguments.string("out")
        scores = arguments.has("score")
        compares = arguments.has("compare")
        if compares, arguments.string("endpoint") == nil {
            throw UsageError("label: --compare needs --endpoint, the model to compare with", command: Self.spec.name)
        }
        model = try arguments.string("endpoint").map { base in
            do {
                var configuration = LanguageModelExtractor.Configuration(
                    endpoint: try Reports.Endpoint(base, allowed: arguments.strings("allow-endpoint")),
                    model: arguments.string("model") ?? "default")
                configuration.key = try ModelKey(environment: "ENDOKED_LLM_KEY")
                configuration.cache = arguments.string("cache").map { URL(fileURLWithPath: $0) }
                if let seconds = try arguments.seconds("timeout") { configuration.timeout = seconds }
                return configuration
            } catch let error as ReportsError {
                throw ConfigurationError(error.description + (error.code == .endpointRefused ? " (--allow-endpoint)" : ""))
            }
        }
    }

    private func labeller() throws -> ReportLabeller {
        guard let model else { return ReportLabeller(try RuleBasedExtractor()) }
        if compares {
            return ReportLabeller(
                try RuleBasedExtractor(), comparedWith: WaitingModelExtractor(try LanguageModelExtractor(model)))
        }
        return ReportLabeller(WaitingModelExtractor(try LanguageModelExtractor(model)))
    }

    func run() throws -> ExitStatus {
        guard let reader = input == "-" ? FileHandle.standardInput : FileHandle(forReadingAtPath: input) else {
            throw ConfigurationError("cannot read \(input)")
        }
        let target = try output.map { try OutputFile(path: $0) }
        var scoring = ReportScoring()
        let summary: ReportLabeller.Summary
        do {
            summary = try labeller().label(
                reader, to: target?.handle ?? FileHandle.standardOutput
            ) { found, truth, language in
                scoring.add(found, truth: truth, language: language)
            }
            try target?.finish()
        } catch {
            target?.abandon()
            guard let output, !(error is ReportsError), !(error is ConfigurationError) else { throw error }
            throw ConfigurationError("cannot write \(output): \(ForeignError.words(error))")
        }
        Terminal.message(
            "\(summary.lines) reports: "
                + [PolypStatus.yes, .no, .uncertain].map { "\($0.rawValue) \(summary.polyp[$0] ?? 0)" }.joined(separator: ", ")
                + (summary.failed == 0 ? "" : ", \(summary.failed) could not be read (see `error` in the output)"))
        if compares {
            let fields = ReportComparison.Field.allCases.map { "\($0.rawValue) \(summary.disagreements[$0] ?? 0)" }
            Terminal.message(
                "rules and model on \(summary.compared) reports differ in: " + fields.joined(separator: ", ")
                    + "; yes against no: \(summary.opposites)")
        }
        if scores { scoring.lines.forEach { Terminal.message($0) } }
        return summary.failed == 0 ? .complete : .partial
    }
}

/// A file that appears under its name only when it is whole.
private struct OutputFile {
    let handle: FileHandle
    private let partial: String
    private let path: String

    init(path: String) throws {
        self.path = path
        partial = path + ".partial-\(ProcessInfo.processInfo.processIdentifier)"
        guard FileManager.default.createFile(atPath: partial, contents: nil),
            let handle = FileHandle(forWritingAtPath: partial)
        else { throw ConfigurationError("cannot write \(path)") }
        self.handle = handle
    }

    func finish() throws {
        try handle.synchronize()
        try handle.close()
        guard rename(partial, path) == 0 else { throw ConfigurationError("cannot write \(path)") }
    }

    func abandon() {
        try? handle.close()
        unlink(partial)
    }
}
