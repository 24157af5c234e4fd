extension RuleBasedExtractor {
    /// How the rules read a report, a line a statement: its section, its phrases and what its mentions are worth.
    ///
    /// For those who extend a lexicon. It quotes the report: never log it.
    public func explanation(of report: String, language: Language?) -> [String] {
        guard let lexicon = lexicon(for: language ?? self.language(of: report)) else { return [] }
        return ReportReader(report, lexicon: lexicon).explanation()
    }
}

extension ReportReader {
    func explanation() -> [String] {
        statements.map { statement in
            var reading = StatementReading(statement, tokens: tokens, lexicon: lexicon)
            reading.judge(isUpper: statement.isUpper, hasContextSite: false)
            func text(_ range: Range<Int>) -> String { tokens[range].map(\.text).joined(separator: " ") }
            let tags = reading.tags.map { tag in
                let name = tag.meaning.site?.rawValue ?? tag.meaning.morphology?.rawValue ?? tag.concept.rawValue
                return "\(name)=\(text(tag.range))"
            }
            let mentions = reading.mentions.map { "\($0.kind):\(text($0.range)):\($0.standing)" }
            let pieces = reading.pieces.map(text).joined(separator: " ¦ ")
            return "[\(statement.section)\(statement.isUpper ? ", upper" : "")] \(pieces)\n  tags: "
                + tags.joined(separator: "; ") + "\n  mentions: " + mentions.joined(separator: "; ")
                + "\n  sizes: \(reading.measures.map(\.values)) counts: \(reading.quantities.map { $0.value.map(String.init) ?? "?" })"
        }
    }
}
