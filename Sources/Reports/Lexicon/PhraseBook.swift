/// Phrases and what they mean, found by their first token.
struct PhraseBook<Value: Sendable>: Sendable {
    private struct Entry: Sendable {
        var phrase: Phrase
        var value: Value
    }

    private var byFirst: [String: [Entry]] = [:]
    /// Phrases that begin with a wild card.
    private var open: [Entry] = []

    mutating func add(_ phrase: Phrase, _ value: Value) {
        guard let first = phrase.elements.first else { return }
        let entry = Entry(phrase: phrase, value: value)
        switch first {
        case .literal(let word):
            byFirst[word, default: []].append(entry)
        case .choice(let choices) where choices.allSatisfy(Self.isLiteral):
            for case .literal(let word) in choices { byFirst[word, default: []].append(entry) }
        default:
            open.append(entry)
        }
    }

    private static func isLiteral(_ element: Phrase.Element) -> Bool {
        if case .literal = element { return true }
        return false
    }

    /// The longest phrases that stand at `position`, all of the same length, and that length in tokens.
    func longest(in tokens: ArraySlice<Token>, at position: Int) -> (values: [Value], length: Int)? {
        var best = 0
        var values = [Value]()
        func consider(_ entry: Entry) {
            guard let length = entry.phrase.match(tokens, at: position), length >= best else { return }
            if length > best { values.removeAll(keepingCapacity: true) }
            best = length
            values.append(entry.value)
        }
        byFirst[tokens[position].text]?.forEach(consider)
        open.forEach(consider)
        return best > 0 ? (values, best) : nil
    }

    /// Whether a phrase whose value passes `filter` stands at `position`, the longest there or not.
    func has(in tokens: ArraySlice<Token>, at position: Int, where filter: (Value) -> Bool) -> Bool {
        func stands(_ entry: Entry) -> Bool { filter(entry.value) && entry.phrase.match(tokens, at: position) != nil }
        return byFirst[tokens[position].text]?.contains(where: stands) ?? false || open.contains(where: stands)
    }

    /// Whether some phrase has `word` in it, or a wild card that takes it.
    func knows(_ word: String) -> Bool {
        if byFirst[word] != nil { return true }
        return open.contains { entry in
            guard let first = entry.phrase.elements.first else { return false }
            return switch first {
            case .prefix(let stem): word.hasPrefix(stem)
            case .suffix(let stem): word.hasSuffix(stem)
            case .infix(let stem): word.contains(stem)
            default: false
            }
        }
    }

    /// The literal words of the phrases whose value passes `filter`.
    ///
    /// - Parameter ofSingles: only of phrases of one word.
    func words(ofSingles: Bool = false, where filter: (Value) -> Bool) -> Set<String> {
        var words = Set<String>()
        func collect(_ element: Phrase.Element) {
            switch element {
            case .literal(let word), .prefix(let word), .capital(let word): words.insert(word)
            case .choice(let choices): choices.forEach(collect)
            case .optional(let inner): collect(inner)
            default: break
            }
        }
        for entry in byFirst.values.joined() where filter(entry.value) && (!ofSingles || entry.phrase.elements.count == 1) {
            entry.phrase.elements.forEach(collect)
        }
        for entry in open where filter(entry.value) { entry.phrase.elements.forEach(collect) }
        return words
    }
}
