import Foundation

extension Deidentifier {
    /// A pattern and what is put in place of its first group (or of all of it, when it has none).
    struct Rule: @unchecked Sendable {
        // Unchecked: NSRegularExpression is immutable and documented as safe to use from several threads.
        let expression: NSRegularExpression
        let kind: Kind
        /// Whether a match is to be replaced after all.
        let accepts: @Sendable (String) -> Bool

        init(
            _ pattern: String, _ kind: Kind, ignoringCase: Bool = true,
            accepts: @escaping @Sendable (String) -> Bool = { _ in true }
        ) throws {
            do {
                expression = try NSRegularExpression(
                    pattern: pattern, options: ignoringCase ? [.caseInsensitive, .anchorsMatchLines] : [.anchorsMatchLines])
            } catch {
                throw ReportsError(.malformedLexicon, "a pattern of the de-identifier is wrong: \(error)")
            }
            self.kind = kind
            self.accepts = accepts
        }

        func apply(to text: NSMutableString) {
            let matches = expression.matches(in: text as String, range: NSRange(location: 0, length: text.length))
            for match in matches.reversed() {
                let range = match.numberOfRanges > 1 ? match.range(at: 1) : match.range
                guard range.location != NSNotFound, accepts(text.substring(with: range)) else { continue }
                text.replaceCharacters(in: range, with: "[\(kind.rawValue)]")
            }
        }
    }
}

extension Deidentifier.Rule {
    /// Everything with digits: addresses, dates, telephone and record numbers, in this order.
    static func numbers(_ cues: PrivacyCues) throws -> [Self] {
        let months = PrivacyCues.choice(cues.months)
        let colon = "[ \\t]*(?:no\\.?|nr\\.?|number|#|号|号码)?[ \\t]*[:：.#=]?[ \\t]*"
        let before = "(?<![\\p{L}\\p{N}])"
        return [
            try Self("[A-Z0-9._%+-]+@[A-Z0-9.-]+\\.[A-Z]{2,}", .email),
            try Self("(?:https?://|www\\.)[^\\s]+", .email),
            try Self(before + PrivacyCues.choice(cues.addressCues) + "[ \\t]*[:：][ \\t]*([^\\n;；]+)", .address),
            try Self(
                before + "(\\d{1,5}[a-z]?,?[ \\t]+(?:\\p{Lu}[\\p{L}'’-]+[ \\t]+){1,3}" + PrivacyCues.choice(cues.streets)
                    + ")(?![\\p{L}])", .address, ignoringCase: false),
            try Self(
                before + "([\\p{L}-]+(?:straße|strasse|str\\.|gasse|allee|damm|platz)[ \\t]+\\d{1,4}[ ]?[a-h]?)(?![\\p{L}\\p{N}])", .address
            ),
            try Self("([\\p{Han}]{2,12}(?:路|街|弄|巷|大道|小区|村|镇)[\\p{Han}]{0,6}\\d+号(?:[\\p{Han}\\d]{0,12}室)?)", .address),
            try Self("((?:北京|上海|天津|重庆|[\\p{Han}]{2,3}省|[\\p{Han}]{2,3}市)[\\p{Han}]{2,12}(?:区|县|路|街)[\\p{Han}\\d]{0,16}号)", .address),
            // Dates: any order, any separator, months in words.
            try Self("(?<!\\d)(\\d{1,2}[./-]\\d{1,2}[./-](?:19|20)\\d{2})(?!\\d)", .date),
            try Self("(?<!\\d)((?:19|20)\\d{2}[./-]\\d{1,2}[./-]\\d{1,2})(?!\\d)", .date),
            try Self("(?<![\\d.])(\\d{1,2}\\.\\d{1,2}\\.\\d{2})(?![\\d.])", .date),
            try Self("(?<![\\d/])(\\d{1,2}/\\d{1,2}/\\d{2})(?![\\d/])", .date),
            try Self("((?:19|20)\\d{2}[ ]?年[ ]?\\d{1,2}[ ]?月(?:[ ]?\\d{1,2}[ ]?[日号])?)", .date),
            try Self(
                before + "(\\d{1,2}(?:st|nd|rd|th|\\.)?[ \\t]*[-/ ,]?[ \\t]*(?:of[ \\t]+)?" + months
                    + "\\.?[ \\t]*[-/ ,]?[ \\t]*(?:19|20)?\\d{2})(?!\\d)", .date),
            try Self(before + "(" + months + "\\.?[ \\t]+\\d{1,2}(?:st|nd|rd|th)?,?[ \\t]+(?:19|20)\\d{2})(?!\\d)", .date),
            try Self(
                before + PrivacyCues.choice(cues.birthCues)
                    + "[ \\t]*(?:am|on|in|im)?[ \\t]*[:：.]?[ \\t]*((?:\\d{1,2}[./ -])*(?:19|20)?\\d{2}(?:[./-]\\d{1,2})*)(?![\\d])", .date
            ) { $0.count >= 4 },
            // Telephone numbers.
            try Self(before + PrivacyCues.choice(cues.phoneCues) + colon + "(\\+?[\\d(][\\d ()/.\\-]{3,}\\d)", .phone),
            try Self(
                "(?<![\\p{L}\\d.])((?:\\+\\d{1,3}[ -]?)?(?:\\(\\d{2,5}\\)[ -]?)?0\\d{1,5}[ /-]\\d{2,}(?:[ /-]?\\d{2,})*)(?![\\d.]|[ ]?(?:mm|cm|ml|mg|%))",
                .phone
            ) {
                $0.count(where: \.isNumber) >= 7
            },
            try Self("(?<![\\p{L}\\d.])(\\+\\d{1,3}[ \\d()/-]{6,}\\d)", .phone),
            try Self("(?<![\\p{L}\\d.])(\\(?\\d{3}\\)?[ -]\\d{3,4}[ -]\\d{4})(?!\\d)", .phone),
            try Self("(?<![\\p{L}\\d.])(\\d{3}-\\d{4}-\\d{4})(?!\\d)", .phone),
            // Record numbers: whatever a cue announces, and whatever looks like one.
            try Self(
                before + PrivacyCues.choice(cues.idCues) + colon + "([\\p{L}]{0,4}[-/ ]?\\d[A-Z0-9/._-]*(?:[ ]\\d{2,})*)(?![\\p{L}\\p{N}])",
                .id
            ) {
                isNumber($0, announced: true)
            },
            try Self("(?<![A-Z0-9./_-])(\\d{2,4}(?:[ ]\\d{2,4}){2,})(?![A-Z0-9.]|[ ]?(?:mm|cm))", .id) {
                $0.count(where: \.isNumber) >= 8
            },
            try Self("(?<![A-Z0-9./_-])((?:[A-Z]{1,6}[-/_]?)?\\d[A-Z0-9]*(?:[-/_.][A-Z0-9]+)*)(?![A-Z0-9])", .id) {
                isNumber($0, announced: false)
            },
            try Self(
                "(?<![A-Z0-9./_-])([A-Z]{1,6}\\d[A-Z0-9]*(?:[-/_.][A-Z0-9]+)*|[A-Z]{1,6}(?:[-/_][A-Z0-9]+)*[-/_]\\d[A-Z0-9]*(?:[-/_.][A-Z0-9]+)*)(?![A-Z0-9])",
                .id
            ) {
                isNumber($0, announced: false)
            },
        ]
    }

    /// Whether a run of digits and letters can be a record number rather than a size, a range, a score or a year.
    private static func isNumber(_ text: String, announced: Bool) -> Bool {
        let digits = text.count { $0.isNumber && $0.isASCII }
        if announced { return digits >= 2 && !isYear(text) && !isMeasure(text) }
        guard digits >= 4, !isYear(text), !isMeasure(text) else { return false }
        return true
    }

    private static func isYear(_ text: String) -> Bool {
        guard let year = Int(text) else {
            // "2019-2021", "2019/20"
            let parts = text.split(whereSeparator: { "-/".contains($0) }).map(String.init)
            return parts.count == 2 && parts.allSatisfy { isYear($0) || $0.count == 2 } && isYear(parts[0])
                && parts[1].allSatisfy(\.isNumber)
        }
        return text.count == 4 && (1900...2099).contains(year)
    }

    /// Numbers of at most three digits joined by marks of ranges and products, with or without a unit.
    private static func isMeasure(_ text: String) -> Bool {
        let lower = text.lowercased()
        var core = Substring(lower)
        for unit in ["mm", "cm", "ml", "mg", "mcg", "min", "kg", "fr", "w", "h"] where core.hasSuffix(unit) {
            core = core.dropLast(unit.count)
            break
        }
        let numbers = core.split(whereSeparator: { "-~x*/".contains($0) })
        guard !numbers.isEmpty, numbers.count <= 3 else { return false }
        let isPlain = numbers.allSatisfy { number in
            let number = number.hasSuffix("mm") || number.hasSuffix("cm") ? number.dropLast(2) : number
            let parts = number.split(separator: ".", omittingEmptySubsequences: false)
            return parts.count <= 2 && parts.allSatisfy { !$0.isEmpty && $0.count <= 3 && $0.allSatisfy(\.isNumber) }
        }
        guard isPlain else { return false }
        if core.count < lower.count { return true }
        // "25-30" is a range, "30-77-18" a number on a file.
        return numbers.count <= 2 || numbers.allSatisfy { $0.count == 1 || $0.contains(".") }
    }
}
