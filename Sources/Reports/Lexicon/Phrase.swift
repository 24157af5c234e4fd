/// A phrase of a lexicon: literal tokens with a few wild cards.
///
/// - `word*`, `*word`, `*word*`: begins, ends with, contains (one token)
/// - `one|two`: one of several tokens
/// - `[word]`: may be missing
/// - `^Word`: only with a capital
/// - `@year`: a year from 1950 to 2099
/// - `#`: a number, a list or a range of numbers
/// - `~`: up to five tokens of the same sentence, as few as possible
///
/// Han characters need no blanks between them.
struct Phrase: Sendable {
    enum Element: Sendable, Equatable {
        case literal(String)
        case prefix(String)
        case suffix(String)
        case infix(String)
        /// The word, capitalised.
        case capital(String)
        case year
        case number
        case gap
        indirect case choice([Element])
        indirect case optional(Element)
    }

    static let longestGap = 5

    var elements: [Element]

    init(_ text: String, tokenizer: Tokenizer) {
        var elements = [Element]()
        for chunk in text.split(separator: " ") {
            if chunk.hasPrefix("["), chunk.hasSuffix("]"), chunk.count > 2 {
                let inner = Self.elements(of: String(chunk.dropFirst().dropLast()), tokenizer: tokenizer)
                elements += inner.map { .optional($0) }
            } else {
                elements += Self.elements(of: String(chunk), tokenizer: tokenizer)
            }
        }
        self.elements = elements
    }

    /// Whether every choice is among single tokens, and something is left to match.
    static func isWellFormed(_ text: String, tokenizer: Tokenizer) -> Bool {
        let choices = text.split(separator: " ").filter { $0.contains("|") && $0.count > 1 }
        return choices.allSatisfy { chunk in
            chunk.filter { $0 != "[" && $0 != "]" }.split(separator: "|").allSatisfy {
                elements(of: String($0), tokenizer: tokenizer).count == 1
            }
        } && !Phrase(text, tokenizer: tokenizer).elements.isEmpty
    }

    private static func elements(of chunk: String, tokenizer: Tokenizer) -> [Element] {
        if chunk == "@year" { return [.year] }
        if chunk.hasPrefix("^"), let word = tokenizer.tokens(of: chunk).last { return [.capital(word.text)] }
        if chunk.count > 1, chunk.contains("|") {
            return [
                .choice(chunk.split(separator: "|").flatMap { elements(of: String($0), tokenizer: tokenizer) })
            ]
        }
        let starred = chunk.filter { $0 != "*" }
        if chunk.count > 1, starred.count < chunk.count,
            let word = tokenizer.tokens(of: starred).first(where: { $0.kind == .word })
        {
            switch (chunk.hasPrefix("*"), chunk.hasSuffix("*")) {
            case (true, true): return [.infix(word.text)]
            case (true, false): return [.suffix(word.text)]
            default: return [.prefix(word.text)]
            }
        }
        return tokenizer.tokens(of: chunk).map { token in
            switch token.text {
            case "#": .number
            case "~": .gap
            default: .literal(token.text)
            }
        }
    }

    /// How many tokens the phrase takes from `start`, or nil when it does not stand there.
    func match(_ tokens: ArraySlice<Token>, at start: Int) -> Int? {
        guard let end = match(tokens, at: start, element: 0) else { return nil }
        return end > start ? end - start : nil
    }

    private func match(_ tokens: ArraySlice<Token>, at position: Int, element index: Int) -> Int? {
        guard index < elements.count else { return position }
        let element = elements[index]
        switch element {
        case .optional(let inner):
            if Self.accepts(inner, tokens, position), let end = match(tokens, at: position + 1, element: index + 1) {
                return end
            }
            return match(tokens, at: position, element: index + 1)
        case .gap:
            for skipped in 0...Self.longestGap where position + skipped <= tokens.endIndex {
                if let end = match(tokens, at: position + skipped, element: index + 1) { return end }
            }
            return nil
        case .number:
            guard let end = NumberRun.end(in: tokens, from: position) else { return nil }
            return match(tokens, at: end, element: index + 1)
        default:
            guard Self.accepts(element, tokens, position) else { return nil }
            return match(tokens, at: position + 1, element: index + 1)
        }
    }

    private static func accepts(_ element: Element, _ tokens: ArraySlice<Token>, _ position: Int) -> Bool {
        guard position < tokens.endIndex else { return false }
        let text = tokens[position].text
        switch element {
        case .literal(let word): return text == word
        case .prefix(let word): return text.hasPrefix(word)
        case .suffix(let word): return text.hasSuffix(word)
        case .infix(let word): return text.contains(word)
        case .capital(let word): return text == word && tokens[position].isCapitalised
        case .year: return tokens[position].isYear
        case .choice(let choices): return choices.contains { accepts($0, tokens, position) }
        case .number: return tokens[position].kind == .number
        case .gap, .optional: return false
        }
    }
}

/// A number, or several joined by commas, dashes, crosses or "and".
enum NumberRun {
    /// Marks and words that join numbers of one list, range or product.
    private static let joins: Set<String> = [
        ",", "、", "-", "~", "/", "x", "*", "+", "&", ";", "and", "to", "und", "bis", "u", "or", "by", "至", "到", "和", "及",
    ]

    /// Where the run that begins at `start` ends, or nil when no number stands there.
    static func end(in tokens: ArraySlice<Token>, from start: Int) -> Int? {
        guard start < tokens.endIndex, tokens[start].kind == .number else { return nil }
        var end = start + 1
        while end < tokens.endIndex {
            var next = end
            while next < tokens.endIndex, next - end < 3, joins.contains(tokens[next].text) || (tokens[next].text == "." && next > end) {
                next += 1
            }
            guard next > end, next < tokens.endIndex, tokens[next].kind == .number else { break }
            end = next + 1
        }
        return end
    }
}
