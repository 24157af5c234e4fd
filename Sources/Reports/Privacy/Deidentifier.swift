import Foundation

/// Takes names, record numbers, telephone numbers, dates and addresses out of a report before it goes to a model.
///
/// Eager by intention: a word too many lost is cheaper than a name too many sent. Sites, sizes, years and whatever a
/// lexicon knows stay. What is taken out leaves a neutral mark: `[NAME]`, `[ID]`, `[DATE]`, `[PHONE]`, `[ADDRESS]`,
/// `[EMAIL]`.
public struct Deidentifier: Sendable {
    enum Kind: String, Sendable {
        case name = "NAME"
        case id = "ID"
        case date = "DATE"
        case phone = "PHONE"
        case address = "ADDRESS"
        case email = "EMAIL"
    }

    private let rules: [Rule]
    private let names: NameRules
    /// Words that are never part of a name: those of the lexicons and the cues.
    private let vocabulary: NameVocabulary

    public init() throws {
        let cues = try PrivacyCues.embedded()
        let lexicons = try Lexicons.embedded()
        vocabulary = NameVocabulary(cues: cues, lexicons: lexicons)
        rules = try Rule.numbers(cues)
        names = try NameRules(cues)
    }

    /// `report` without what could name a person.
    public func deidentified(_ report: String) -> String {
        let text = NSMutableString(string: report)
        for rule in rules { rule.apply(to: text) }
        let known = names.names(in: text as String, vocabulary: vocabulary)
        replace(known.ranges, in: text)
        // A name once found is taken out everywhere.
        for word in known.words.sorted(by: { $0.count > $1.count }) {
            let isHan = word.unicodeScalars.contains { Tokenizer.isHan($0) }
            let escaped = NSRegularExpression.escapedPattern(for: word)
            let pattern = isHan ? escaped : "(?<![\\p{L}\\[])" + escaped + "(?!\\p{L})"
            guard let expression = try? NSRegularExpression(pattern: pattern, options: .caseInsensitive) else { continue }
            _ = expression.replaceMatches(in: text, range: NSRange(location: 0, length: text.length), withTemplate: "[NAME]")
        }
        return text as String
    }

    private func replace(_ ranges: [NSRange], in text: NSMutableString) {
        var last = text.length + 1
        for range in ranges.sorted(by: { $0.location > $1.location }) where range.location + range.length <= last {
            text.replaceCharacters(in: range, with: "[NAME]")
            last = range.location
        }
    }
}
