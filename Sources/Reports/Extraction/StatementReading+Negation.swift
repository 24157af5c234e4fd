/// What is denied: triggers with a direction, and what ends their reach.
extension StatementReading {
    /// Whether a clause asserts something of its own.
    func isAssertive(_ index: Int) -> Bool {
        let piece = pieces[index]
        return hasMeasure(in: piece) || has(.positive, .resection, .current, .except, in: piece)
            || quantities.contains { $0.range.overlaps(piece) && $0.value != 0 }
    }

    func isNegated(_ mention: Mention) -> Bool {
        if isZero(mention) { return true }
        if tags.contains(where: { $0.concept == .denial && $0.range.upperBound == mention.range.lowerBound }) { return true }
        return isNegatedForward(mention.range) || isNegatedBackward(mention)
    }

    /// "Couldn't rule out small polyps between them but saw none": the last word.
    func isDeniedAfterAll(_ mention: Mention) -> Bool {
        guard mention.kind == .polyp, measures.isEmpty, !isTakenOut else { return false }
        return pieces.indices.contains { index in
            index > mention.piece && has(.but, in: pieces[index]) && !mentions.contains { $0.piece == index }
                && !has(.lookalike, .site, .another, .rest, .sequel, .device, in: pieces[index])
                && tags(.negationAfter, in: pieces[index]).contains { tag in
                    tag.range.count > 1 && tokens[tag.range].contains { Self.pronouns.contains($0.text) }
                }
        }
    }

    /// They stand for the noun that was said before.
    static let pronouns: Set<String> = ["none", "keine", "keiner", "keines", "keinen"]

    /// A shape word behind "no": `no depressed area`.
    func isNegatedWord(_ range: Range<Int>) -> Bool {
        let piece = pieces[piece(of: range.lowerBound)]
        return tags(.negation, in: piece).contains {
            $0.range.upperBound <= range.lowerBound && range.lowerBound - $0.range.upperBound <= 2
        } || tags(.negationAfter, in: piece).contains { $0.range.lowerBound == range.upperBound }
    }

    /// `Polyps: 0`, `tally of polyps: zero`.
    private func isZero(_ mention: Mention) -> Bool {
        let piece = pieces[mention.piece]
        return tokens[piece].indices.contains { position in
            guard lexicon.numeral(in: tokens, at: position) == 0, !tags.contains(where: { $0.range.contains(position) })
            else { return false }
            let isLast = position + 1 >= piece.upperBound || tokens[position + 1].kind == .symbol
            let isFirst =
                position + 1 < tokens.endIndex && position < mention.range.lowerBound
                && mention.range.lowerBound - position <= 4
            return position >= mention.range.upperBound ? isLast : isFirst
        }
    }

    /// A negation that closes its clause looks back; one with words behind it looks forward.
    private func looksForward(_ tag: Tag) -> Bool {
        var position = tag.range.upperBound
        let end = pieces[piece(of: tag.range.lowerBound)].upperBound
        while position < end, tokens[position].kind == .symbol, tokens[position].text != "(" { position += 1 }
        guard position < end else { return false }
        // "Polyps   none   -": the next column is another matter.
        return !tokens[position].startsColumn
    }

    func isNegatedForward(_ range: Range<Int>) -> Bool {
        let own = piece(of: range.lowerBound)
        return tags.contains { tag in
            guard tag.concept == .negation, tag.range.upperBound <= range.lowerBound, looksForward(tag) else { return false }
            let first = piece(of: tag.range.lowerBound)
            if first == own { return !isBlocked(from: tag.range.upperBound, to: range.lowerBound, isSubject: true) }
            // "No masses, polyps, AVMs": the list goes on while its items assert nothing.
            if isBlocked(from: tag.range.upperBound, to: pieces[first].upperBound) { return false }
            for index in first + 1...own {
                let part = pieces[index].lowerBound..<(index == own ? range.upperBound : pieces[index].upperBound)
                if has(.positive, .resection, .current, .except, .but, .site, .negation, in: part) { return false }
                if hasMeasure(in: pieces[index]) { return false }
                if quantities.contains(where: { $0.range.overlaps(part) }) { return false }
                if part.count > (lexicon.countsByClassifier ? 12 : 7) { return false }
            }
            return true
        }
    }

    private func isBlocked(from start: Int, to end: Int, isSubject: Bool = false) -> Bool {
        guard start < end else { return false }
        if has(.except, .aftermath, in: start..<end) { return true }
        // Within a clause it is a particle: "ein Polyp ließ sich jedoch nicht finden".
        if tags(.but, in: start..<end).contains(where: { tag in pieces.contains { $0.lowerBound == tag.range.lowerBound } }) { return true }
        // "Neither the caecum nor the sigmoid harboured a polyp": the verb of a denied subject.
        let verbs = tags(.positive, in: start..<end)
        let isDenied = isSubject && has(.site, in: start..<end) && verbs.count == 1 && has(.bears, in: verbs[0].range)
        if !verbs.isEmpty, !isDenied { return true }
        if hasOtherObject(in: start..<end) { return true }
        // "No risk factors: a 2 cm polyp …": a colon, or a noun phrase with a size of its own, opens something new.
        if let colon = tokens[start..<end].firstIndex(where: { $0.text == ":" }),
            tokens[start..<colon].contains(where: { $0.kind != .symbol })
        {
            return true
        }
        return quantities.contains { quantity in
            quantity.range.lowerBound >= start + 2 && quantity.range.upperBound <= end
                && hasMeasure(in: quantity.range.upperBound..<max(end, quantity.range.upperBound))
        }
    }

    /// "Without biopsy the polyp …": what is denied is something else, and no list goes on from it.
    private func hasOtherObject(in range: Range<Int>) -> Bool {
        tags.contains { tag in
            guard [.sequel, .closure, .device].contains(tag.concept), tag.range.lowerBound >= range.lowerBound,
                tag.range.upperBound < range.upperBound
            else { return false }
            return !(tag.range.upperBound..<range.upperBound).contains { Self.listWords.contains(tokens[$0].text) }
        }
    }

    private static let listWords: Set<String> = [
        ",", "/", "、", "+", "&", "-", "and", "or", "nor", "und", "oder", "noch", "sowie", "及", "和", "或", "与", "以及", "等",
    ]

    /// "Polyps, AVMs, and malignancy excluded": bare items up to an "and".
    private func isEndOfList(_ index: Int, from first: Int) -> Bool {
        ["and", "or", "und", "oder", "sowie", "及", "和", "或"].contains(tokens[pieces[index].lowerBound].text)
            && (first..<index).allSatisfy { pieces[$0].count <= 4 }
    }

    private func isNegatedBackward(_ mention: Mention) -> Bool {
        tags.contains { tag in
            guard tag.range.lowerBound >= mention.range.upperBound else { return false }
            // "Polyps: none seen (two last year)": behind a colon it answers the field, unless it denies something else.
            let answersField =
                tokens[tag.range.lowerBound].text == ":"
                && !tags.contains {
                    [.polyp, .lesion, .lookalike].contains($0.concept) && $0.range.lowerBound >= tag.range.upperBound
                        && pieces[mention.piece].contains($0.range.lowerBound)
                }
            guard tag.concept == .negationAfter || tag.concept == .negation && (answersField || !looksForward(tag)) else {
                return false
            }
            let other = piece(of: tag.range.lowerBound)
            // "12 mm polyp (not seen last month)": that was then.
            if tokens[mention.range.upperBound..<tag.range.lowerBound].last?.text == "(",
                has(.history, in: tag.range.upperBound..<min(tag.range.upperBound + 6, tokens.endIndex))
            {
                return false
            }
            // "5 mm polyp, rest clear": what is said of the rest.
            if has(.rest, in: mention.range.upperBound..<tag.range.lowerBound) { return false }
            // "LST (pseudodepressed type not seen)": a bracket with a subject of its own.
            let between = tokens[mention.range.upperBound..<tag.range.lowerBound]
            if let bracket = between.lastIndex(where: { $0.text == "(" || $0.text == ")" }), tokens[bracket].text == "(",
                tokens[bracket + 1..<tag.range.lowerBound].contains(where: { $0.kind != .symbol })
            {
                return false
            }
            if other == mention.piece {
                return !isBlocked(from: mention.range.upperBound, to: tag.range.lowerBound)
            }
            guard !isAssertive(mention.piece), other - mention.piece <= 3, tag.range.count > 1 || !looksForward(tag) else { return false }
            // The clause with the negation must not have a subject of its own.
            return (mention.piece + 1...other).allSatisfy { index in
                let before =
                    pieces[index].lowerBound..<min(pieces[index].upperBound, max(tag.range.lowerBound, pieces[index].lowerBound + 1))
                return !has(.but, .except, .resection, in: pieces[index]) && !hasMeasure(in: pieces[index])
                    && !(index == other && has(.lookalike, in: before) && !isEndOfList(index, from: mention.piece))
            }
        }
    }
}
