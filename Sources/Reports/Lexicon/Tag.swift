/// A phrase of the lexicon where it stands in a sentence.
struct Tag: Sendable {
    var meaning: Lexicon.Meaning
    /// Tokens of the report.
    var range: Range<Int>

    var concept: Concept { meaning.concept }
}

extension Lexicon {
    /// The phrases of `tokens`, longest first from left to right; phrases of the same place and length all count.
    func tags(in tokens: ArraySlice<Token>) -> [Tag] {
        var tags = [Tag]()
        var position = tokens.startIndex
        while position < tokens.endIndex {
            guard tokens[position].kind != .newline, let found = phrases.longest(in: tokens, at: position) else {
                position += 1
                continue
            }
            let range = position..<position + found.length
            // "横结肠：无蒂息肉": the colon answers nothing when a longer word begins behind it.
            if tokens[position].text == ":", position + 1 < tokens.endIndex,
                let behind = phrases.longest(in: tokens, at: position + 1), position + 1 + behind.length > range.upperBound
            {
                position += 1
                continue
            }
            for meaning in Set(found.values) {
                tags.append(Tag(meaning: meaning, range: range))
            }
            position = range.upperBound
        }
        for position in tokens.indices {
            for found in [lengths, overlays].compactMap({ $0.longest(in: tokens, at: position) }) {
                // `7 mm | snare`: a phrase reaches into no other column.
                if tokens[position + 1..<position + found.length].contains(where: \.startsColumn) { continue }
                for concept in Set(found.values) {
                    tags.append(Tag(meaning: Meaning(concept: concept), range: position..<position + found.length))
                }
            }
        }
        return tags.map { asDirected($0, in: tokens) }
    }

    /// ": no" at the end of a field looks back, before more words it looks forward.
    private func asDirected(_ tag: Tag, in tokens: ArraySlice<Token>) -> Tag {
        let next = tag.range.upperBound
        guard tag.concept == .negationAfter, tokens[tag.range.lowerBound].text == ":", next < tokens.endIndex,
            tokens[next].kind != .symbol, tokens[next].kind != .newline, !tokens[next].startsColumn
        else { return tag }
        var tag = tag
        tag.meaning.concept = .negation
        return tag
    }
}
