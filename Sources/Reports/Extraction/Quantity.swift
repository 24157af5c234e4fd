/// A number of polyps, or of something, said in a statement.
struct Quantity: Sendable {
    /// Nil when it is not exact: several, about ten, 2-3.
    var value: Int?
    var range: Range<Int>
    /// It is only an article.
    var isArticle: Bool
    /// A classifier or a multiplication sign says that things are counted.
    var isCounting: Bool
}

extension Lexicon {
    /// The quantities in `tokens`, except at the places that `taken` says belong to something else.
    func quantities(in tokens: ArraySlice<Token>, tags: [Tag], taken: (Int) -> Bool) -> [Quantity] {
        // "Much stool" counts nothing.
        func isOfLookalike(_ tag: Tag) -> Bool {
            tags.contains {
                $0.concept == .lookalike && ($0.range.upperBound == tag.range.lowerBound || $0.range.lowerBound == tag.range.upperBound)
            }
        }
        var quantities = tags.filter { $0.concept == .indefinite && !isOfLookalike($0) }.map {
            Quantity(value: nil, range: $0.range, isArticle: false, isCounting: true)
        }
        var position = tokens.startIndex
        while position < tokens.endIndex {
            if !taken(position), let quantity = quantity(in: tokens, at: position, tags: tags) {
                quantities.append(quantity)
                position = quantity.range.upperBound
            } else {
                position += 1
            }
        }
        return quantities.sorted { $0.range.lowerBound < $1.range.lowerBound }
    }

    private func quantity(in tokens: ArraySlice<Token>, at start: Int, tags: [Tag]) -> Quantity? {
        guard var value = numeral(in: tokens, at: start) else { return nil }
        // "05/23" is a month.
        let isMonth = tokens[start].text.hasPrefix("0") && start + 1 < tokens.endIndex && ["/", "."].contains(tokens[start + 1].text)
        let isItsYear =
            start - 1 > tokens.startIndex && tokens[start - 1].text == "/" && tokens[start - 2].kind == .number
            && tokens[start - 2].text.hasPrefix("0")
        if tokens[start].kind == .number, tokens[start].text.count > 1, isMonth || isItsYear { return nil }
        // "0912" is a time.
        if tokens[start].kind == .number, tokens[start].text.hasPrefix("0"), tokens[start].text.count > 2 { return nil }
        // "Polyp A (9 mm)": a label.
        if articles.contains(tokens[start].text), tokens[start].isCapitalised, tokens[start].end - tokens[start].start == 1,
            tags.contains(where: { $0.concept == .polyp && $0.range.upperBound == start })
        {
            return nil
        }
        // "Half a dozen", "two dozen".
        var dozens = start + 1
        if value == 0.5, dozens < tokens.endIndex, articles.contains(tokens[dozens].text) { dozens += 1 }
        let isDozens =
            tokens[start].kind != .han && dozens < tokens.endIndex && tokens[dozens].kind == .word
            && numbers[tokens[dozens].text] == 12 && value < 12
        if isDozens { value *= 12 }
        guard value == value.rounded() else { return nil }
        if start > tokens.startIndex, ["#", "第"].contains(tokens[start - 1].text) { return nil }
        var position = isDozens ? dozens + 1 : start + 1
        var isExact = true
        // Compound numbers in Han: 十二, 二十, 二十三.
        while tokens[start].kind == .han, position < tokens.endIndex, tokens[position].kind == .han,
            let next = numbers[tokens[position].text]
        {
            value = next == 10 ? value * 10 : value + next
            position += 1
        }
        // A range or a list has no one value.
        if position + 1 < tokens.endIndex, ["-", "~", "/", "to", "bis", "至", "到", "or", "oder"].contains(tokens[position].text),
            numeral(in: tokens, at: position + 1) != nil, !isOneBeforeSize(in: tokens, at: start),
            !articles.contains(tokens[position + 1].text)
        {
            isExact = false
            position += 2
        }
        if position < tokens.endIndex, ["余", "多", "来", "几", "+"].contains(tokens[position].text) {
            isExact = false
            position += 1
        }
        if tags.contains(where: {
            $0.concept == .approximate
                && ($0.range.upperBound == start
                    || $0.range.upperBound == start - 1 && articles.contains(tokens[start - 1].text)
                    || $0.range.upperBound == start - 1 && tokens[start - 1].text == "."
                    || $0.range.lowerBound == position)
        }) {
            isExact = false
        }
        let isAtSite =
            countsByClassifier && tokens[start].kind == .number && tags.contains { $0.concept == .polyp }
            && tags.contains { $0.concept == .site && $0.range.upperBound == start }
            && (position == tokens.endIndex || tokens[position].kind == .symbol)
        // `3 polyps` among Han: the noun itself says that things are counted.
        let isBeforeNoun =
            countsByClassifier && position < tokens.endIndex && tokens[position].kind == .word
            && tags.contains { $0.concept == .polyp && $0.range.lowerBound == position }
        let hasClassifier = isAtSite || isBeforeNoun || tags.contains { $0.concept == .classifier && $0.range.lowerBound == position }
        var isMultiplied =
            start > tokens.startIndex && ["x", "*"].contains(tokens[start - 1].text)
            && (start - 1 == tokens.startIndex || tokens[start - 2].kind != .number)
        if hasClassifier, !isAtSite, !isBeforeNoun { position += 1 }
        // "5枚以上", but not "1枚约0.6cm".
        if tags.contains(where: {
            $0.concept == .approximate && $0.range.lowerBound == position && numeral(in: tokens, at: $0.range.upperBound) == nil
        }) {
            isExact = false
        }
        // "2x polyps".
        if tokens[start].kind == .number, position + 1 < tokens.endIndex, tokens[position].text == "x",
            tokens[position + 1].kind != .number || isTimes(in: tokens, at: start)
        {
            isMultiplied = true
            position += 1
        }
        if countsByClassifier, !hasClassifier, !isMultiplied { return nil }
        guard value >= 0, value < 1000 else { return nil }
        // "Heute nur einer, 9 mm": no article without a noun.
        let standsAlone = position >= tokens.endIndex || [",", ".", ";", ":"].contains(tokens[position].text)
        return Quantity(
            value: isExact ? Int(value) : nil, range: start..<position,
            isArticle: articles.contains(tokens[start].text) && !standsAlone, isCounting: hasClassifier || isMultiplied)
    }
}
