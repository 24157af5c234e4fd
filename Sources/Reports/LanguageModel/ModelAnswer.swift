import Foundation

/// The answer of a model, as the schema asks for it, strictly read.
struct ModelAnswer: Codable, Sendable {
    var polyp: PolypStatus
    var count: Int?
    var sites: [Site]
    var maxSizeMillimetres: Double?
    var morphology: [PolypMorphology]
    var confidence: Double
    var quote: String

    enum CodingKeys: String, CodingKey, CaseIterable {
        case polyp, count, sites, morphology, confidence, quote
        case maxSizeMillimetres = "max_size_mm"
    }

    /// What is wrong with an answer; names fields, never their content.
    struct Flaw: Error { var reason: String }

    /// The answer within the reply of a chat completion.
    ///
    /// - Throws: `Flaw` when the reply has no content, was cut off, is no JSON, lacks a field or holds an impossible value.
    static func read(reply: Data) throws -> ModelAnswer {
        struct Reply: Decodable {
            struct Choice: Decodable {
                struct Message: Decodable { var content: String? }
                var message: Message
                var finish_reason: String?
            }
            var choices: [Choice]
        }
        guard let reply = try? JSONDecoder().decode(Reply.self, from: reply) else {
            throw Flaw(reason: "the reply is no chat completion")
        }
        guard let choice = reply.choices.first, let content = choice.message.content else {
            throw Flaw(reason: "the reply has no content")
        }
        if choice.finish_reason == "length" { throw Flaw(reason: "the answer was cut off at the longest allowed") }
        return try read(content: Data(content.utf8))
    }

    static func read(content: Data) throws -> ModelAnswer {
        guard let object = try? JSONSerialization.jsonObject(with: content) as? [String: Any] else {
            throw Flaw(reason: "the answer is no JSON object")
        }
        let names = Set(CodingKeys.allCases.map(\.rawValue))
        if let missing = names.subtracting(object.keys).min() { throw Flaw(reason: "the answer lacks \"\(missing)\"") }
        guard Set(object.keys).isSubset(of: names) else { throw Flaw(reason: "the answer has fields beyond the schema") }
        let answer: ModelAnswer
        do {
            answer = try JSONDecoder().decode(ModelAnswer.self, from: content)
        } catch let error as DecodingError {
            throw Flaw(reason: "the answer has a wrong value in \"\(field(of: error))\"")
        }
        try answer.check()
        return answer
    }

    private static func field(of error: DecodingError) -> String {
        let context: DecodingError.Context
        switch error {
        case .typeMismatch(_, let found), .valueNotFound(_, let found), .keyNotFound(_, let found), .dataCorrupted(let found):
            context = found
        @unknown default: return "?"
        }
        return context.codingPath.first?.stringValue ?? "?"
    }

    /// Values that contradict each other are no answer.
    private func check() throws {
        guard (0...1).contains(confidence) else { throw Flaw(reason: "\"confidence\" is not within 0…1") }
        if let count, !(0...10_000).contains(count) { throw Flaw(reason: "\"count\" is out of range") }
        if let size = maxSizeMillimetres, !(size > 0 && size <= 300) { throw Flaw(reason: "\"max_size_mm\" is out of range") }
        if polyp == .yes, count == 0 { throw Flaw(reason: "\"polyp\" is yes but \"count\" is 0") }
        if polyp == .no, (count ?? 0) > 0 || !sites.isEmpty || maxSizeMillimetres != nil {
            throw Flaw(reason: "\"polyp\" is no but polyps are described")
        }
    }

    /// The findings, with the quoted sentence found again in the report.
    ///
    /// - Parameter report: the text that was sent; offsets count in `original`, where the quote stands there too.
    func findings(in original: String) -> Findings {
        var evidence: EvidenceSpan?
        let quote = quote.trimmingCharacters(in: .whitespacesAndNewlines)
        if quote.count > 3, let range = original.range(of: quote, options: .caseInsensitive) {
            let scalars = original.unicodeScalars
            evidence = EvidenceSpan(
                offset: scalars.distance(from: scalars.startIndex, to: range.lowerBound),
                length: scalars.distance(from: range.lowerBound, to: range.upperBound))
        }
        return Findings(
            polyp: polyp, count: polyp == .no ? 0 : count, sites: Set(sites).sorted(),
            maxSizeMillimetres: maxSizeMillimetres.map { Self.millimetres($0, asIn: original) }, morphology: Set(morphology).sorted(),
            confidence: confidence,
            evidence: evidence)
    }

    /// A size as the report has it: small models copy "1.5" out of "1.5 cm" and call it millimetres.
    private static func millimetres(_ size: Double, asIn report: String) -> Double {
        let whole = size == size.rounded() ? "\(Int(size))([.,]0)?" : "\(size)".replacingOccurrences(of: ".", with: "[.,]")
        func stands(_ units: String) -> Bool {
            // Also as the first extent of "1.5 x 1.2 cm".
            let text = "(?<![0-9.,])\(whole)([ ]?[x×*][ ]?[0-9.,]+)?[ ]?(\(units))"
            return report.range(of: text, options: [.regularExpression, .caseInsensitive]) != nil
        }
        return stands("cm|厘米|公分|㎝") && !stands("mm|毫米|㎜") && size <= 30 ? size * 10 : size
    }
}
