import Foundation

/// `reports.jsonl` to labels: one line in, one line out, in the same order, whatever is wrong with a line.
///
/// A line holds `text` and `id` (or `study`), and may hold `language`. The answer holds the same key, the findings,
/// and the language; or the key and `error`. Text of a report never gets into an error. With two readers it holds the
/// findings of the rules, those of the other under `model`, and under `disagreements` the names of what they differ in.
public struct ReportLabeller: Sendable {
    /// Bytes of the longest line that is kept in memory; a longer one is skipped and reported.
    public static let longestLine = RuleBasedExtractor.largestReport + (1 << 20)

    /// What became of the lines.
    public struct Summary: Sendable, Equatable {
        public var lines = 0
        public var failed = 0
        public var polyp: [PolypStatus: Int] = [:]
        /// Lines that two readers read.
        public var compared = 0
        /// Of those, how many differ in what.
        public var disagreements: [ReportComparison.Field: Int] = [:]
        /// Of those, how many one reader took for a yes and the other for a no.
        public var opposites = 0
    }

    private let extractor: any ReportExtractor
    private let model: (any ReportExtractor)?
    private let recognise: @Sendable (String) -> Language?

    public init(_ extractor: any ReportExtractor) {
        self.extractor = extractor
        model = nil
        recognise = { _ in nil }
    }

    /// With the language written into each answer, recognised where the line does not say it.
    public init(_ extractor: RuleBasedExtractor) {
        self.extractor = extractor
        model = nil
        recognise = { extractor.language(of: $0) }
    }

    /// With a second reader, whose findings are written and compared with those of the rules.
    public init(_ extractor: RuleBasedExtractor, comparedWith model: any ReportExtractor) {
        self.extractor = extractor
        self.model = model
        recognise = { extractor.language(of: $0) }
    }

    /// Labels the lines of `input` into `output`, a block at a time.
    ///
    /// - Parameters:
    ///   - truth: called for each labelled line that carries a truth (`polyp` and the rest), for scoring.
    /// - Throws: what reading or writing the files throws; a bad line throws nothing.
    public func label(
        _ input: FileHandle, to output: FileHandle,
        truth: (_ found: Findings, _ truth: Findings, _ language: Language?) -> Void = { _, _, _ in }
    ) throws -> Summary {
        var summary = Summary()
        var lines = LineReader(input, longest: Self.longestLine)
        while let line = try lines.next() {
            let answer: Data
            switch line {
            case .line(let data):
                if data.allSatisfy({ $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }) { continue }
                answer = label(line: data, number: lines.number, summary: &summary, truth: truth)
            case .tooLong(let bytes):
                summary.lines += 1
                summary.failed += 1
                answer = Self.failure(
                    key: nil, ReportsError(.reportTooLarge, "line \(lines.number) has \(bytes) bytes; the limit is \(Self.longestLine)"))
            }
            try output.write(contentsOf: answer + Data([0x0A]))
        }
        return summary
    }

    /// The answer to one line of JSON, without its newline.
    public func label(line: Data, number: Int) -> Data {
        var summary = Summary()
        return label(line: line, number: number, summary: &summary) { _, _, _ in }
    }

    private func label(
        line: Data, number: Int, summary: inout Summary, truth: (Findings, Findings, Language?) -> Void
    ) -> Data {
        summary.lines += 1
        var key: Key?
        do {
            let input = try ReportLine(line, number: number)
            key = input.key
            guard let text = input.text else {
                throw ReportsError(.malformedLine, "line \(number) has no \"text\" that is a string")
            }
            let found = try Self.rounded(extractor.findings(in: text, language: input.language))
            let comparison = try model.map { model in
                ReportComparison(
                    study: key?.value, rules: found, model: try Self.rounded(model.findings(in: text, language: input.language)))
            }
            summary.polyp[found.polyp, default: 0] += 1
            if let comparison { summary.count(comparison) }
            if let expected = input.truth { truth(found, expected, input.language) }
            return try Self.encoder.encode(
                Answer(key: key, language: input.language ?? recognise(text), findings: found, comparison: comparison))
        } catch let error as ReportsError {
            summary.failed += 1
            return Self.failure(key: key, error)
        } catch {
            summary.failed += 1
            return Self.failure(key: key, ReportsError(.malformedLine, "line \(number) could not be labelled"))
        }
    }

    private static func rounded(_ findings: Findings) -> Findings {
        var findings = findings
        findings.confidence = (findings.confidence * 1000).rounded() / 1000
        return findings
    }

    /// The name and value under which a line is known.
    struct Key: Sendable {
        var name: String
        var value: String
    }

    private struct AnyKey: CodingKey {
        var stringValue: String
        init(_ name: String) { stringValue = name }
        init?(stringValue: String) { self.stringValue = stringValue }
        var intValue: Int? { nil }
        init?(intValue: Int) { nil }
    }

    private struct Answer: Encodable {
        var key: Key?
        var language: Language?
        var findings: Findings?
        var comparison: ReportComparison?
        var error: String?

        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: AnyKey.self)
            if let key { try container.encode(key.value, forKey: AnyKey(key.name)) }
            if let error { try container.encode(error, forKey: AnyKey("error")) }
            if let language { try container.encode(language, forKey: AnyKey("language")) }
            try findings?.encode(to: encoder)
            if let comparison {
                try container.encode(comparison.model, forKey: AnyKey("model"))
                try container.encode(comparison.disagreements, forKey: AnyKey("disagreements"))
            }
        }
    }

    private static var encoder: JSONEncoder {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return encoder
    }

    private static func failure(key: Key?, _ error: ReportsError) -> Data {
        // Encoding two strings cannot fail; should it ever, the line still says that it failed.
        (try? encoder.encode(Answer(key: key, error: error.description))) ?? Data("{\"error\":\"unknown\"}".utf8)
    }
}

extension ReportLabeller.Summary {
    mutating func count(_ comparison: ReportComparison) {
        compared += 1
        for field in comparison.disagreements { disagreements[field, default: 0] += 1 }
        if comparison.isOpposite { opposites += 1 }
    }
}
