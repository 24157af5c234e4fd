/// What a statement says of the polyps it affirms: where, how large, of what shape.
extension StatementReading {
    /// Clauses whose words belong to the affirmed (or uncertain) polyps.
    ///
    /// Left out: clauses of earlier examinations, of other organs, of look-alikes, and those that find nothing.
    func activePieces() -> [Int] {
        let active = Set(
            mentions.filter { $0.standing == .affirmed || $0.standing == .uncertain || $0.standing == .weak && $0.kind == .lesion }
                .map(\.piece))
        let isDoubt = mentions.contains { $0.standing == .uncertain } && !mentions.contains { $0.standing == .affirmed }
        return pieces.indices.filter { index in
            if active.contains(index) { return true }
            let piece = pieces[index]
            // What is doubtful is described by all that is said of it, look-alikes included.
            if isDoubt { return !isHistorical(index) && !has(.normal, .absence, .organ, in: piece) }
            if isHistorical(index) && !isSizeOfActive(index, active) || has(.family, in: piece) { return false }
            if mentions.contains(where: { $0.piece == index && ($0.standing == .negated || $0.standing == .elsewhere) }) {
                return false
            }
            if has(.organ, in: piece), !has(.site, in: piece) { return false }
            return !has(.normal, .lookalike, .absence, .reported, in: piece)
                && !(has(.negation, .negationAfter, in: piece) && !hasMeasure(in: piece))
        }
    }

    /// "The old site with residual adenoma, 8 mm": a bare size behind the polyp that it belongs to.
    private func isSizeOfActive(_ index: Int, _ active: Set<Int>) -> Bool {
        active.contains(index - 1) && pieces[index].count <= 4 && hasMeasure(in: pieces[index]) && !has(.history, in: pieces[index])
    }

    /// The sites of the polyps: those named in the clauses that mention, measure or count them; where there are none,
    /// the nearest clause in front that names one, else the nearest behind.
    func sites(of indices: [Int], expandingRanges: Bool) -> [Site] {
        if mentions.isEmpty, measures.isEmpty, quantities.isEmpty {
            return sites(in: indices, expandingRanges: expandingRanges)
        }
        let telling = indices.filter { index in
            let piece = pieces[index]
            let isMentioned = mentions.contains { $0.piece == index }
            if has(.course, in: piece), !isMentioned { return false }
            return isMentioned || hasMeasure(in: piece) || has(.morphology, in: piece)
                || quantities.contains { $0.range.overlaps(piece) && !$0.isArticle }
        }
        var chosen = telling.filter { !sites(in: [$0], expandingRanges: false).isEmpty }
        if chosen.isEmpty, let first = telling.first {
            let before = pieces.indices.prefix(first).last { !sites(in: [$0], expandingRanges: false).isEmpty }
            let after = pieces.indices.dropFirst(first + 1).first {
                indices.contains($0) && !sites(in: [$0], expandingRanges: false).isEmpty
            }
            if let one = before ?? after { chosen = [one] }
        }
        // A list of sites may run over several clauses: "in the cecum, ascending and sigmoid".
        var all = Set(chosen)
        for index in chosen {
            var next = index + 1
            while next < pieces.count, isBareSite(next) { all.insert(next); next += 1 }
            next = index - 1
            var before = Set<Int>()
            while next >= 0, isBareSite(next), !telling.contains(next) { before.insert(next); next -= 1 }
            // "No lesion in the caecum, ascending, …": that list is of what is clear.
            let isOfClear = next >= 0 && !before.isEmpty && has(.negation, .negationAfter, .normal, .absence, in: pieces[next])
            if !isOfClear { all.formUnion(before) }
        }
        return sites(in: all.sorted(), expandingRanges: expandingRanges)
    }

    private func isBareSite(_ index: Int) -> Bool {
        let piece = pieces[index]
        return piece.count <= (lexicon.countsByClassifier ? 6 : 4) && has(.site, in: piece)
            && !has(.normal, .negation, .negationAfter, .lookalike, .history, .organ, in: piece)
    }

    /// The sites named in the given clauses, without those that only say what lies nearby.
    func sites(in indices: [Int], expandingRanges: Bool, includingNearby: Bool = false) -> [Site] {
        var sites = [Site]()
        var previous: (site: Site, end: Int)?
        for tag in tags where tag.concept == .site && indices.contains(piece(of: tag.range.lowerBound)) {
            guard let site = tag.meaning.site, includingNearby || !isNearby(tag) else { continue }
            if expandingRanges, let previous, previous.site != site, isRange(from: previous.end, to: tag.range.lowerBound) {
                sites += Site.range(from: previous.site, to: site)
            }
            sites.append(site)
            previous = (site, tag.range.upperBound)
        }
        return sites
    }

    private func isRange(from start: Int, to end: Int) -> Bool {
        guard end - start <= 4 else { return false }
        if tags.contains(where: { $0.concept == .through && $0.range.lowerBound >= start && $0.range.upperBound <= end }) { return true }
        // "Between caecum and rectum".
        guard let first = tags.last(where: { $0.concept == .site && $0.range.upperBound == start }) else { return false }
        return tags.contains {
            $0.concept == .span && $0.range.upperBound <= first.range.lowerBound && first.range.lowerBound - $0.range.upperBound <= 2
        }
    }

    /// Whether a word only says where something lies: next to the valve, beneath stool.
    func isNearby(_ tag: Tag) -> Bool {
        tags.contains { other in
            guard other.range.upperBound <= tag.range.lowerBound else { return false }
            // "Got to the caecum, found a polyp": as far as the scope went.
            if other.concept == .course, tag.concept == .site, other.range.upperBound == tag.range.lowerBound,
                Self.goals.contains(tokens[other.range.upperBound - 1].text),
                mentions.contains(where: { $0.piece == piece(of: tag.range.lowerBound) })
            {
                return true
            }
            guard other.concept == .near || tag.concept == .lookalike && other.concept == .beneath else { return false }
            let gap = other.range.upperBound..<tag.range.lowerBound
            return gap.count <= (tag.concept == .lookalike ? 2 : 1) && !gap.contains { tokens[$0].kind == .symbol }
                && !tags.contains { $0.concept == .site && gap.contains($0.range.lowerBound) }
        }
    }

    private static let goals: Set<String> = ["to", "the", "zum", "zur", "ins", "bis", "至", "达", "到"]

    func measures(in indices: [Int]) -> [Measure] {
        measures.filter { indices.contains(piece(of: $0.range.lowerBound)) }
    }

    func shapes(in indices: [Int]) -> [PolypMorphology] {
        tags.filter {
            $0.concept == .morphology && indices.contains(piece(of: $0.range.lowerBound)) && !isNegatedWord($0.range)
        }.compactMap(\.meaning.morphology)
    }
}
