import Foundation

/// One word, Han character, number or mark of a report, with its place in the original text.
struct Token: Sendable {
    enum Kind: Sendable { case word, han, number, symbol, newline }

    var kind: Kind
    /// Folded: lower case, full width made half width, umlauts written out, traditional Han made simplified.
    var text: String
    /// Unicode scalars before the token.
    var start: Int
    /// Unicode scalars before the token's end.
    var end: Int
    /// White space stands before it.
    var isSpaced: Bool
    /// Two blanks or a tab stand before it: a table's column begins.
    var startsColumn: Bool
    var isCapitalised: Bool
    /// The value of a number; 0 for the rest.
    var value: Double

    var isYear: Bool { kind == .number && end - start == 4 && (1950...2099).contains(value) }
}

/// Cuts a report, or a phrase of a lexicon, into tokens. Both go through the same folding, so that they meet.
struct Tokenizer: Sendable {
    /// Whether `3,5` is three and a half (German) or three and five.
    var hasDecimalComma: Bool
    /// Characters written for others, such as traditional Han for simplified.
    var folding: [Unicode.Scalar: Unicode.Scalar]

    init(hasDecimalComma: Bool = false, folding: [Unicode.Scalar: Unicode.Scalar] = [:]) {
        self.hasDecimalComma = hasDecimalComma
        self.folding = folding
    }

    func tokens(of text: some StringProtocol) -> [Token] {
        let scalars = Array(text.unicodeScalars)
        var tokens = [Token]()
        tokens.reserveCapacity(scalars.count / 3)
        var index = 0
        var blanks = 0
        while index < scalars.count {
            let scalar = fold(scalars[index])
            let start = index
            switch scalar {
            case "\n", "\r", "\u{2028}", "\u{2029}":
                if scalar == "\r", index + 1 < scalars.count, scalars[index + 1] == "\n" { index += 1 }
                index += 1
                append(.newline, "\n", start, index, &blanks, to: &tokens)
            case "\t":
                blanks += 2
                index += 1
            case _ where scalar.properties.isWhitespace || Self.isInvisible(scalar):
                // An ideographic space is as wide as two.
                blanks += scalars[index] == "\u{3000}" ? 2 : 1
                index += 1
            case "0"..."9":
                let (end, value) = number(in: scalars, from: index)
                let digits = scalars[start..<end].map { String(fold($0)) }.joined()
                append(.number, digits, start, end, &blanks, value: value, to: &tokens)
                index = end
            case _ where Self.isHan(scalar):
                index += 1
                append(.han, String(scalar), start, index, &blanks, to: &tokens)
            case _ where Self.romanNumerals[scalar] != nil:
                index += 1
                append(.word, Self.romanNumerals[scalar] ?? "", start, index, &blanks, to: &tokens)
            case _ where scalars[index].properties.isAlphabetic:
                var word = String.UnicodeScalarView()
                while index < scalars.count {
                    let raw = scalars[index].properties
                    let next = fold(scalars[index])
                    guard raw.isAlphabetic || raw.generalCategory == .nonspacingMark, !Self.isHan(next),
                        Self.romanNumerals[next] == nil
                    else { break }
                    word.append(next)
                    index += 1
                }
                // "8mmx6mm": the cross is no letter of the unit.
                if word.count == 3, word.last == "x" || word.last == "X", index < scalars.count,
                    ("0"..."9").contains(fold(scalars[index]))
                {
                    word.removeLast()
                    index -= 1
                }
                append(
                    .word, Self.foldWord(String(word)), start, index, &blanks,
                    isCapitalised: scalar.properties.isUppercase, to: &tokens)
            default:
                index += 1
                append(.symbol, String(scalar), start, index, &blanks, to: &tokens)
            }
        }
        return tokens
    }

    private func append(
        _ kind: Token.Kind, _ text: String, _ start: Int, _ end: Int, _ blanks: inout Int,
        value: Double = 0, isCapitalised: Bool = false, to tokens: inout [Token]
    ) {
        tokens.append(
            Token(
                kind: kind, text: text, start: start, end: end, isSpaced: blanks > 0, startsColumn: blanks > 1,
                isCapitalised: isCapitalised, value: value))
        blanks = 0
    }

    /// The end and value of the number at `index`: digits, and a decimal part behind a point, or behind a comma where
    /// that can only be decimal.
    private func number(in scalars: [Unicode.Scalar], from start: Int) -> (end: Int, value: Double) {
        var end = start
        func digits(from position: Int) -> Int {
            var position = position
            while position < scalars.count, ("0"..."9").contains(fold(scalars[position])) { position += 1 }
            return position
        }
        end = digits(from: start)
        if end + 1 < scalars.count, end - start <= 4 {
            let mark = fold(scalars[end])
            let fractionEnd = digits(from: end + 1)
            let leadingZero = end - start == 1 && fold(scalars[start]) == "0"
            let isDecimal = mark == "." || mark == "·" || (mark == "," && (hasDecimalComma || leadingZero))
            if isDecimal, fractionEnd > end + 1, fractionEnd - end <= 3 { end = fractionEnd }
        }
        var text = ""
        for position in start..<end {
            let scalar = fold(scalars[position])
            text.unicodeScalars.append(("0"..."9").contains(scalar) ? scalar : ".")
        }
        return (end, Double(text) ?? 0)
    }

    private func fold(_ scalar: Unicode.Scalar) -> Unicode.Scalar {
        if scalar.value < 0x80 { return scalar }
        if (0xFF01...0xFF5E).contains(scalar.value), let half = Unicode.Scalar(scalar.value - 0xFEE0) { return half }
        return Self.marks[scalar] ?? folding[scalar] ?? scalar
    }

    /// Marks that mean the same in every language.
    private static let marks: [Unicode.Scalar: Unicode.Scalar] = [
        "。": "。", "、": "、", "～": "~", "〜": "~", "–": "-", "—": "-", "−": "-", "‐": "-", "‑": "-", "―": "-",
        "×": "x", "✕": "x", "✖": "x", "∗": "*", "’": "'", "‘": "'", "【": "[", "】": "]", "〔": "[", "〕": "]",
        "“": "\"", "”": "\"", "„": "\"", "«": "\"", "»": "\"", "µ": "u",
    ]

    private static let romanNumerals: [Unicode.Scalar: String] = [
        "Ⅰ": "i", "Ⅱ": "ii", "Ⅲ": "iii", "Ⅳ": "iv", "Ⅴ": "v", "Ⅵ": "vi",
        "ⅰ": "i", "ⅱ": "ii", "ⅲ": "iii", "ⅳ": "iv", "ⅴ": "v",
    ]

    private static func isInvisible(_ scalar: Unicode.Scalar) -> Bool {
        scalar == "\u{FEFF}" || scalar == "\u{200B}" || scalar.value < 0x20
    }

    static func isHan(_ scalar: Unicode.Scalar) -> Bool {
        (0x3400...0x9FFF).contains(scalar.value) || (0xF900...0xFAFF).contains(scalar.value)
            || (0x20000...0x2FA1F).contains(scalar.value) || scalar == "〇"
    }

    private static func foldWord(_ word: String) -> String {
        let lower = word.lowercased()
        if lower.utf8.allSatisfy({ $0 < 0x80 }) { return lower }
        var folded = ""
        for character in lower.precomposedStringWithCanonicalMapping {
            switch character {
            case "ä": folded += "ae"
            case "ö": folded += "oe"
            case "ü": folded += "ue"
            case "ß": folded += "ss"
            case "œ": folded += "oe"
            case "æ": folded += "ae"
            case "é", "è", "ê": folded += "e"
            default: folded.append(character)
            }
        }
        return folded
    }
}
