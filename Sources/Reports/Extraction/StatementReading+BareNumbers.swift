/// Numbers that stand without the word that they count: of devices, of a part, or of polyps named before.
extension StatementReading {
    func isOfDevice(_ quantity: Quantity) -> Bool {
        tags.contains { tag in
            // "A flat lesion, piecemeal snare x2": two strokes.
            if tag.concept == .resection, tag.range.upperBound == quantity.range.lowerBound - 1, quantity.isCounting,
                !lexicon.countsByClassifier, mentions.contains(where: { $0.kind != .implied && !$0.range.overlaps(tag.range) })
            {
                return true
            }
            // "Sigmoid 5 mm Is, snare x1": as many strokes as sizes were said.
            if tag.concept == .resection, tag.range.upperBound == quantity.range.lowerBound - 1, quantity.isCounting,
                mentions.contains(where: { $0.kind == .implied && $0.piece < piece(of: quantity.range.lowerBound) }),
                quantity.value == measures.filter({ $0.range.upperBound <= tag.range.lowerBound }).map(\.values.count).reduce(0, +)
            {
                return true
            }
            guard tag.concept == .device else { return false }
            let gap: Range<Int>
            if tag.range.lowerBound >= quantity.range.upperBound {
                gap = quantity.range.upperBound..<tag.range.lowerBound
            } else if lexicon.countsByClassifier, tag.range.upperBound <= quantity.range.lowerBound {
                gap = tag.range.upperBound..<quantity.range.lowerBound
            } else {
                return false
            }
            return gap.count <= 1 && gap.allSatisfy { tokens[$0].text != "," }
        }
    }

    func isSubset(_ quantity: Quantity) -> Bool {
        tags.contains { tag in
            guard tag.concept == .subset else { return false }
            if tag.range.overlaps(quantity.range) { return true }
            // "Three very small polyps": no three of others.
            if tag.range.count == 1, tag.range.lowerBound == quantity.range.upperBound, quantity.value.map({ $0 > 1 }) ?? false,
                quantity.range.lowerBound == tokens.startIndex || !lexicon.definite.contains(tokens[quantity.range.lowerBound - 1].text)
            {
                return false
            }
            let gap =
                tag.range.lowerBound >= quantity.range.upperBound
                ? quantity.range.upperBound..<tag.range.lowerBound
                : min(tag.range.upperBound, quantity.range.lowerBound)..<quantity.range.lowerBound
            return gap.count <= 1 && gap.allSatisfy { tokens[$0].text != "," }
        }
    }

    func isElliptical(_ quantity: Quantity) -> Bool {
        guard !isOfDevice(quantity), !isSubset(quantity), quantity.value != 0 else { return false }
        if lexicon.countsByClassifier { return quantity.isCounting && (quantity.value != nil || !has(.polyp)) }
        if totalValue(of: quantity) != nil { return true }
        let end = quantity.range.upperBound
        if quantity.isCounting, quantity.value != nil {
            return quantity.range.lowerBound > statement.range.lowerBound && !has(.device, in: pieces[piece(of: quantity.range.lowerBound)])
        }
        let nextSite = tags.first { $0.concept == .site && $0.range.lowerBound >= end }
        let words = tags.contains {
            ($0.concept == .classifier || $0.concept == .another)
                && ($0.range.lowerBound == end || $0.range.upperBound == quantity.range.lowerBound)
        }
        if let nextSite, pieces[piece(of: end - 1)].contains(nextSite.range.lowerBound) {
            let gap = nextSite.range.lowerBound - end
            // "Two true ones: ascending …": what follows lists them.
            let isHeading = (end..<nextSite.range.lowerBound).contains { tokens[$0].text == ":" }
            if !isHeading, gap <= (words ? 8 : 3), !quantity.isArticle || words || gap <= 2 && !isArticleOfNoun(quantity) { return true }
        }
        if words { return true }
        // "… and a 5 mm one in the sigmoid", the noun left out.
        if quantity.isArticle, let nextSite, piece(of: end - 1) == piece(of: nextSite.range.lowerBound),
            nextSite.range.lowerBound - end <= 8,
            let measure = measures.first(where: { $0.range.lowerBound >= end && $0.range.lowerBound - end <= 1 }),
            measure.range.upperBound <= nextSite.range.lowerBound,
            !mentions.contains(where: { $0.range.overlaps(end..<nextSite.range.lowerBound) }),
            !quantities.contains(where: { $0.range.overlaps(end..<nextSite.range.lowerBound) })
        {
            return true
        }
        // "At 20 cm an 8 mm and at 28 cm a 4 mm polyp": the noun comes with the second one.
        if quantity.isArticle, let size = measures.first(where: { $0.range.lowerBound == end }),
            let next = quantities.first(where: { $0.range.lowerBound >= size.range.upperBound }), next.isArticle,
            measures.contains(where: { $0.range.lowerBound == next.range.upperBound }),
            (size.range.upperBound..<next.range.lowerBound).contains(where: { Self.ands.contains(tokens[$0].text) }),
            !mentions.contains(where: { $0.range.overlaps(end..<next.range.lowerBound) })
        {
            return true
        }
        // "Ascending 4 (largest 9 mm)".
        let siteBefore = tags.contains {
            $0.concept == .site && $0.range.upperBound <= quantity.range.lowerBound && quantity.range.lowerBound - $0.range.upperBound <= 1
        }
        let isSized = measures.contains { $0.range.lowerBound >= end && $0.range.lowerBound - end <= 1 }
        return siteBefore && !quantity.isArticle && (isAtEnd(end) || tokens[end].text == "x" || isSized)
    }

    private static let ands: Set<String> = ["and", "und", "sowie", "plus", "&", "+"]

    /// "a sigmoid": the article belongs to the site's noun.
    private func isArticleOfNoun(_ quantity: Quantity) -> Bool {
        let end = quantity.range.upperBound
        return tags.contains { $0.concept == .site && $0.range.lowerBound == end }
    }
}
