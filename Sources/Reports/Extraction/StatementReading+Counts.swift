/// How many polyps a statement counts.
extension StatementReading {
    struct Count {
        /// Newly counted; nil elements are inexact.
        var counts: [Int?] = []
        /// A number of all of them.
        var total: Int?
        /// It is called a total.
        var isTotalSaid = false
        var isMultiple = false
    }

    /// - Parameters:
    ///   - pieces: the active clauses.
    ///   - isContinuation: the statement has no mention of its own and goes on about polyps.
    ///   - sites: the sites found for the statement.
    ///   - hasCounted: polyps were counted in the statements before.
    ///   - isKnown: whether a polyp of these sites and sizes was already counted.
    func count(
        in indices: [Int], isContinuation: Bool, sites: [Site], hasCounted: Bool, isKnown: ([Site], [Double]) -> Bool
    ) -> Count {
        var result = Count()
        var used = Set<Int>()
        var items: [(value: Int?, isSited: Bool, isExplicit: Bool)] = []
        var headed = 0
        // The nodule of a laterally spreading tumour is no second polyp.
        let affirmed = mentions.filter { $0.standing == .affirmed }
        let active = affirmed.indices.filter {
            !isAnotherWord(affirmed[$0], before: $0 + 1 < affirmed.count ? affirmed[$0 + 1] : nil, of: affirmed)
        }
        .map { affirmed[$0] }
        result.isMultiple = has(.indefinite) || active.contains { isPlural($0) }

        let isLabelled = isLabelled(active)
        var previousEnd = statement.range.lowerBound
        for (order, mention) in active.enumerated() {
            let next = order + 1 < active.count ? active[order + 1].range.lowerBound : statement.range.upperBound
            if let index = quantityIndex(for: mention, after: previousEnd, before: next, used: used, hasCounted: hasCounted) {
                used.insert(index)
                let quantity = quantities[index]
                let behind = max(mention.range.upperBound, quantity.range.upperBound)
                let following = quantities.first { $0.range.lowerBound >= behind }?.range.lowerBound ?? next
                let around = self.sites(near: mention, from: previousEnd, to: min(next, following))
                if let total = totalValue(of: quantity), around.isEmpty || !hasMeasure(in: previousEnd..<next) || followsTotal(quantity) {
                    result.total = max(result.total ?? 0, total)
                    result.isTotalSaid = true
                    previousEnd = mention.range.upperBound
                    continue
                }
                if !quantity.isArticle, order == 0, let value = quantity.value, value > 1, behind < tokens.endIndex,
                    tokens[behind].text == ":"
                        || tokens[behind].text == ")" && behind + 1 < tokens.endIndex && tokens[behind + 1].text == ":",
                    has(.site, in: behind..<statement.range.upperBound), leadSites.isEmpty
                {
                    // "Four polyps: hepatic flexure Is 5 mm; …": a heading; what follows lists them.
                    result.total = max(result.total ?? 0, value)
                    let listed = pieces.indices.filter {
                        pieces[$0].upperBound > behind && has(.site, in: max(behind, pieces[$0].lowerBound)..<pieces[$0].upperBound)
                    }
                    headed = listed.count
                    previousEnd = mention.range.upperBound
                    continue
                }
                if quantity.isArticle, order > 0 || hasCounted, !isNew(mention, from: previousEnd, to: next, order: order) {
                    previousEnd = mention.range.upperBound
                    continue
                }
                if quantity.isArticle, isPlural(mention), !isSingularToo(mention) {
                    items.append((sizesOfList(previousEnd..<next), !around.isEmpty, false))
                    previousEnd = mention.range.upperBound
                    continue
                }
                if isLabelled {
                    items.append((1, !around.isEmpty, true))
                    previousEnd = mention.range.upperBound
                    continue
                }
                items.append(
                    (multiplied(quantity, mention: mention, sites: around.count > 1 ? around : sites), !around.isEmpty, !quantity.isArticle)
                )
            } else if let value = unquantified(
                mention, order: order, from: previousEnd, to: next, hasCounted: hasCounted, sites: sites, isKnown: isKnown)
            {
                items.append((value, has(.site, in: previousEnd..<next), false))
            }
            previousEnd = mention.range.upperBound
        }
        // Numbers that stand for polyps without the word.
        var rest: [(value: Int?, isSited: Bool)] = []
        var isBracketed = true
        for (index, quantity) in quantities.enumerated() where !used.contains(index) {
            guard indices.contains(piece(of: quantity.range.lowerBound)), isElliptical(quantity) else { continue }
            if hasCounted || has(.indefinite), isOfTaken(quantity), totalValue(of: quantity) == nil { continue }
            if active.contains(where: {
                $0.kind == .implied && $0.piece == self.piece(of: quantity.range.lowerBound) && has(.except, in: pieces[$0.piece])
            }) {
                continue
            }
            let piece = pieces[piece(of: quantity.range.lowerBound)]
            if let total = totalValue(of: quantity) {
                if isContinuation || has(.polyp) || active.allSatisfy({ $0.kind == .implied }) {
                    result.total = max(result.total ?? 0, total)
                    result.isTotalSaid = true
                }
                continue
            }
            // "Four new ones: caecum 3 mm, …": what follows lists them.
            if quantity.range.upperBound < tokens.endIndex, tokens[quantity.range.upperBound].text == ":", let value = quantity.value,
                value > 1,
                active.contains(where: { $0.kind == .implied && $0.range.lowerBound > quantity.range.upperBound })
            {
                result.total = max(result.total ?? 0, value)
                result.isTotalSaid = true
                continue
            }
            let pieceSites = self.sites(in: [self.piece(of: quantity.range.lowerBound)], expandingRanges: false)
            let value = quantity.value.map { has(.each, in: piece) ? $0 * max(1, pieceSites.count) : $0 }
            rest.append((value, has(.site, in: piece)))
            let before = tokens[statement.range.lowerBound..<quantity.range.lowerBound]
            if before.count(where: { $0.text == "(" }) == before.count(where: { $0.text == ")" }) { isBracketed = false }
        }
        if headed > 0, rest.isEmpty, items.isEmpty { items.append((headed, true, false)) }
        if !active.isEmpty, headed == 0 { rest += otherOnes(indices, mentions: active) }
        if let first = items.first, items.count == 1, first.isExplicit, let whole = first.value, whole > 1, !rest.isEmpty {
            let parts = rest.reduce(Int?(0)) { sum, part in part.value.flatMap { value in sum.map { $0 + value } } }
            let restIsSited = rest.contains { $0.isSited }
            if parts == whole && (!first.isSited || !restIsSited || isBracketed) || !restIsSited && (parts ?? 0) <= whole
                || !first.isSited && (parts ?? whole) <= whole
            {
                rest = []
            }
        }
        // `多发息肉（升结肠2枚，降结肠1枚）`: the list tells how many these are.
        if let first = items.first, items.count == 1, first.value == nil, isBracketed, !rest.isEmpty,
            rest.allSatisfy({ $0.isSited && $0.value != nil })
        {
            items = []
        }
        result.counts = items.map(\.value) + rest.map(\.value)
        // "Several similar ones in the descending colon."
        if isContinuation, result.counts.isEmpty, has(.alike) { result.counts = [nil] }
        // "Then in the rectum one more."
        if isContinuation, result.counts.isEmpty, result.total == nil, has(.another), has(.site) { result.counts = [1] }
        // "Two polyps" of no place or size, beside others that have them, sums them up.
        if result.counts.count == 1, let only = result.counts[0], only > 1, !has(.site), leadSites.isEmpty, measures.isEmpty {
            result.counts = []
            result.total = max(result.total ?? 0, only)
        }
        return result
    }

    /// "… and a third, on a stalk, in the sigmoid": one more without the word.
    private func otherOnes(_ indices: [Int], mentions active: [Mention]) -> [(value: Int?, isSited: Bool)] {
        var found: [(value: Int?, isSited: Bool)] = []
        for tag in tags where tag.concept == .another {
            let start = tag.range.lowerBound
            let own = piece(of: start)
            guard indices.contains(own), start > (active.first?.range.lowerBound ?? .max) else { continue }
            let end = pieces[min(own + 2, pieces.count - 1)].upperBound
            let next = min(
                end, tags.first { $0.concept == .another && $0.range.lowerBound >= tag.range.upperBound }?.range.lowerBound ?? end)
            let reach = start..<next
            let isTaken =
                mentions.contains { $0.range.overlaps(reach) }
                || quantities.contains { !$0.isArticle && $0.range.overlaps(start..<min(tag.range.upperBound + 3, next)) }
                || quantities.contains { $0.range.upperBound == start && !$0.isArticle }
                || has(.device, .lookalike, .negation, in: reach)
            if isTaken { continue }
            let isArticle = quantities.contains {
                $0.isArticle && $0.range.overlaps(start..<min(tag.range.upperBound + 2, next)) && isElliptical($0)
            }
            if isArticle { continue }
            if has(.site, in: reach) || hasMeasure(in: reach) { found.append((1, has(.site, in: reach))) }
        }
        return found
    }

    // MARK: Which number belongs to which word

    private func isPlural(_ mention: Mention) -> Bool {
        guard mention.range.contains(where: { lexicon.plurals.contains(tokens[$0].text) }) else { return false }
        // "Des 20 mm großen Sigmapolypen".
        let start = pieces[mention.piece].lowerBound
        return
            !(isSingularToo(mention)
            && (max(start, mention.range.lowerBound - 7)..<mention.range.lowerBound).contains {
                lexicon.singularMarks.contains(tokens[$0].text) || $0 == start && lexicon.openingMarks.contains(tokens[$0].text)
            })
    }

    /// Whether it speaks of so many polyps that "from A to B" means everywhere between.
    var speaksOfScattered: Bool {
        has(.indefinite) || quantities.contains { !$0.isArticle && $0.value.map { $0 > 3 } ?? true }
            || speaksOfMany && !quantities.contains { !$0.isArticle && $0.value != nil }
    }

    /// Whether its words for polyps are all plural.
    var speaksOfMany: Bool { !mentions.isEmpty && mentions.allSatisfy { isPlural($0) } }

    /// "Polypectomy of a 6 mm polyp", "the lesion was an LST": the polyp in another word.
    private func isAnotherWord(_ mention: Mention, before next: Mention?, of affirmed: [Mention]) -> Bool {
        guard mention.kind == .lesion || mention.kind == .procedure, affirmed.contains(where: { $0.kind == .polyp }) else { return false }
        let end = next?.range.lowerBound ?? pieces[mention.piece].upperBound
        let own = mention.range.upperBound..<max(end, mention.range.upperBound)
        if mention.kind == .procedure { return next?.kind == .polyp && own.count <= 12 || !has(.site, in: pieces[mention.piece]) }
        // The nodule of a laterally spreading tumour is no second polyp; one with a size of its own is.
        let before = measures.contains {
            $0.range.upperBound <= mention.range.lowerBound && mention.range.lowerBound - $0.range.upperBound <= 4
                && piece(of: $0.range.lowerBound) == mention.piece
        }
        return !before && !(next == nil && hasMeasure(in: own) && has(.site, in: own))
    }

    private func isSingularToo(_ mention: Mention) -> Bool {
        mention.range.contains { lexicon.singularsToo.contains(tokens[$0].text) }
    }

    /// "1 sigmoid polyp 8 mm, 2 sigmoid polyp 4 mm, 3 rectal polyp": jars with their labels.
    private func isLabelled(_ active: [Mention]) -> Bool {
        guard active.count > 1, !lexicon.countsByClassifier else { return false }
        return active.enumerated().allSatisfy { order, mention in
            let before = quantities.last { $0.range.upperBound <= mention.range.lowerBound }
            return before?.value == order + 1 && before?.isArticle == false && (order == 0 || !isPlural(mention))
        }
    }

    /// `切除5枚`: of those found before.
    private func isOfTaken(_ quantity: Quantity) -> Bool {
        lexicon.countsByClassifier && tags.contains { $0.concept == .resection && $0.range.upperBound == quantity.range.lowerBound }
    }

    private func quantityIndex(
        for mention: Mention, after start: Int, before end: Int, used: Set<Int>, hasCounted: Bool
    ) -> Int? {
        let reach = lexicon.countsByClassifier ? 24 : 10
        let candidates = quantities.indices.filter {
            !used.contains($0) && quantities[$0].value != 0 && !isOfDevice(quantities[$0]) && !isSubset(quantities[$0])
                && !(hasCounted && isOfTaken(quantities[$0]))
        }
        let piece = pieces[mention.piece]
        let before = candidates.last {
            let range = quantities[$0].range
            // `Sigmoid x2, 3 mm Is`: the number stands in the clause of the place.
            let isOfPlace =
                mention.kind == .implied && quantities[$0].isCounting && quantities[$0].value != nil
                && self.piece(of: range.lowerBound) == mention.piece - 1 && has(.site, in: pieces[mention.piece - 1])
            return range.upperBound <= mention.range.lowerBound && range.lowerBound >= start
                && mention.range.lowerBound - range.upperBound <= reach && (range.lowerBound >= piece.lowerBound || isOfPlace)
                && !(range.upperBound..<mention.range.lowerBound).contains { tokens[$0].text == ":" }
        }
        let after = candidates.first {
            let quantity = quantities[$0]
            guard quantity.range.lowerBound >= mention.range.upperBound, quantity.range.lowerBound < end, !quantity.isArticle else {
                return false
            }
            if quantity.isCounting {
                return quantity.range.lowerBound - mention.range.upperBound <= 12
                    && (piece.contains(quantity.range.lowerBound) || lexicon.countsByClassifier)
            }
            // "Polyp 2:" is the second, "Polyps: 2" are two.
            guard isPlural(mention) else { return false }
            let between = mention.range.upperBound..<quantity.range.lowerBound
            return between.count <= 2 && between.contains { ["(", ":", "=", "n", "-"].contains(tokens[$0].text) }
                || between.count <= 1 && between.allSatisfy { tokens[$0].kind == .symbol } && isAtEnd(quantity.range.upperBound)
        }
        // An explicit number behind beats an article in front.
        if let before, let after, quantities[before].isArticle { return quantities[after].value == nil ? before : after }
        return before ?? after
    }

    func isAtEnd(_ position: Int) -> Bool {
        position >= tokens.endIndex || tokens[position].kind == .symbol || tokens[position].startsColumn
    }

    private func sites(near mention: Mention, from start: Int, to end: Int) -> [Site] {
        let inPiece = tags(.site, in: pieces[mention.piece]).filter { $0.range.lowerBound >= start && $0.range.upperBound <= end }
        let found = inPiece.compactMap(\.meaning.site)
        return found.isEmpty ? leadSites : found
    }

    private func multiplied(_ quantity: Quantity, mention: Mention, sites: [Site]) -> Int? {
        guard let value = quantity.value else { return nil }
        guard has(.each, in: pieces[mention.piece]) else { return value }
        if Set(sites).count > 1 { return value * Set(sites).count }
        // "At 30 and 22 cm one each".
        let places = distances.filter { $0.range.upperBound <= max(quantity.range.lowerBound, mention.range.lowerBound) }
        let before = measures.last { $0.range.upperBound <= max(quantity.range.lowerBound, mention.range.lowerBound) }
        if places.isEmpty, let before, pieces[mention.piece].contains(before.range.lowerBound) { return value * before.values.count }
        return value * max(1, places.map(\.values.count).reduce(0, +))
    }

    /// "…, sigmoid 1 (6 mm): six polyps in all".
    private func followsTotal(_ quantity: Quantity) -> Bool {
        tags.contains { $0.concept == .total && $0.range.upperBound == quantity.range.lowerBound }
            && !has(.site, in: quantity.range.upperBound..<pieces[piece(of: quantity.range.lowerBound)].upperBound)
    }

    func totalValue(of quantity: Quantity) -> Int? {
        guard let value = quantity.value, !quantity.isArticle else { return nil }
        let isTotal = tags.contains {
            $0.concept == .total
                && ($0.range.upperBound <= quantity.range.lowerBound && quantity.range.lowerBound - $0.range.upperBound <= 4
                    || $0.range.lowerBound >= quantity.range.upperBound && $0.range.lowerBound - quantity.range.upperBound <= 4
                        && !tokens[quantity.range.upperBound..<$0.range.lowerBound].contains { $0.text == "," })
                && !has(
                    .but, .except,
                    in: min($0.range.upperBound, quantity.range.upperBound)..<max($0.range.lowerBound, quantity.range.lowerBound))
        }
        return isTotal ? value : nil
    }

    // MARK: Words without a number

    private func isNew(_ mention: Mention, from start: Int, to end: Int, order: Int) -> Bool {
        let piece = pieces[mention.piece]
        let own = max(start, piece.lowerBound)..<max(min(end, piece.upperBound), max(start, piece.lowerBound))
        if has(.another, in: own) { return true }
        if order == 0, !leadSites.isEmpty { return true }
        if hasMeasure(in: own) || has(.site, in: own) && order == 0 { return true }
        return has(.site, in: start..<end) && hasMeasure(in: mention.range.lowerBound..<max(end, mention.range.upperBound))
    }

    /// The count of a mention without a number: nil when it counts nothing new, `.some(nil)` when it is several.
    private func unquantified(
        _ mention: Mention, order: Int, from start: Int, to end: Int, hasCounted: Bool, sites: [Site],
        isKnown: ([Site], [Double]) -> Bool
    ) -> Int?? {
        // Numbers further on in the statement will count it.
        let counting = quantities.contains {
            $0.isCounting && !isOfDevice($0) && !isSubset($0)
                && (lexicon.countsByClassifier
                    ? !hasMeasure(in: mention.range.lowerBound..<max($0.range.lowerBound, mention.range.upperBound)) || order == 0 : false)
        }
        if lexicon.countsByClassifier, counting,
            !has(.site, in: max(start, pieces[mention.piece].lowerBound)..<mention.range.upperBound) || order == 0
        {
            return nil
        }
        let isPart = has(.subset, in: mention.kind == .implied ? statement.range : pieces[mention.piece]) && hasCounted
        if isPart { return nil }
        let isDefinite = isDefinite(mention)
        let isFirst = order == 0 && !hasCounted
        let listed = sizesOfList(start..<end)
        // "Caecum 3 mm, sigmoid 6 mm, both adenomatous".
        let sited = measures.filter { has(.site, in: pieces[piece(of: $0.range.lowerBound)]) }
        let isSummary =
            isFirst && sited.count > 1 && !sited.contains { piece(of: $0.range.lowerBound) == mention.piece }
            && !quantities.contains { !$0.isArticle && $0.range.lowerBound > sited[0].range.lowerBound }
        if isSummary { return .some(sited.map(\.values.count).reduce(0, +)) }
        if isPlural(mention) {
            if isDefinite, !isFirst { return nil }
            // "Polyps: transverse 8 mm IIa, …": a heading.
            let described = measures.filter {
                $0.range.lowerBound >= mention.range.upperBound && has(.site, in: pieces[piece(of: $0.range.lowerBound)])
            }
            if mention.range.upperBound < tokens.endIndex, tokens[mention.range.upperBound].text == ":", !described.isEmpty,
                quantities.isEmpty
            {
                return .some(described.map(\.values.count).reduce(0, +))
            }
            if let listed { return .some(listed) }
            return isFirst || isNew(mention, from: start, to: end, order: order) ? .some(nil) : nil
        }
        // `Sigmoid 6 mm and 3 mm, both sessile`.
        if mention.kind == .implied, let own = measures.first(where: { $0.range.overlaps(mention.range) }), own.values.count > 1 {
            return .some(own.values.count)
        }
        if isFirst { return .some(lexicon.countsByClassifier && listed != nil ? listed : 1) }
        if isDefinite { return nil }
        guard isNew(mention, from: start, to: end, order: order) else { return nil }
        let sizes = measures.filter { $0.range.overlaps(start..<end) }.flatMap(\.values)
        if order == 0, !sites.isEmpty, isKnown(sites, sizes) { return nil }
        // "Snared: the polyps of the transverse colon and of the rectum": those described before.
        let around = self.sites(near: mention, from: start, to: end)
        if sizes.isEmpty, !around.isEmpty, has(.resection), !has(.another), isKnown(around, []) { return nil }
        return .some(lexicon.countsByClassifier && listed != nil ? listed : 1)
    }

    private func sizesOfList(_ range: Range<Int>) -> Int? {
        let count = measures.filter { $0.range.overlaps(range) }.map(\.values.count).max() ?? 0
        return count > 1 ? count : nil
    }

    /// "These polyps": a polyp spoken of before.
    var namesTheKnown: Bool { mentions.contains { $0.standing == .affirmed && isDefinite($0) } }

    private func isDefinite(_ mention: Mention) -> Bool {
        let piece = pieces[mention.piece]
        return (max(piece.lowerBound, mention.range.lowerBound - 3)..<mention.range.lowerBound).contains {
            lexicon.definite.contains(tokens[$0].text)
        }
    }
}
