/// Words whose meaning hangs on what else the statement says: what was known and is dealt with now, what is told of after
/// a removal. Their tags are settled before anything is read from them.
extension StatementReading {
    static func settled(_ tags: [Tag], in tokens: ArraySlice<Token>, lexicon: Lexicon) -> [Tag] {
        var tags = tags
        settleAftermath(&tags, in: tokens, lexicon: lexicon)
        settleAsides(&tags, in: tokens)
        settleKnown(&tags, in: tokens)
        return tags
    }

    /// "12 mm polyp (not seen last month), EMR": what was not seen then says nothing of what is removed now.
    private static func settleAsides(_ tags: inout [Tag], in tokens: ArraySlice<Token>) {
        for open in tokens.indices where tokens[open].text == "(" {
            guard let close = tokens[open...].firstIndex(where: { $0.text == ")" }) else { return }
            let inside = tags.indices.filter { (open..<close).contains(tags[$0].range.lowerBound) }
            let concepts = Set(inside.map { tags[$0].concept })
            guard concepts.contains(.history), !concepts.isDisjoint(with: [.negationAfter, .negation, .sighted]),
                concepts.isDisjoint(with: [.polyp, .lesion, .resection])
            else { continue }
            for index in inside { tags[index].meaning.concept = .ignore }
        }
    }

    // MARK: After a removal

    /// "No bleeding after removal of a 6 mm polyp" tells of a removal of today; "check after removal of a polyp" does not.
    private static func settleAftermath(_ tags: inout [Tag], in tokens: ArraySlice<Token>, lexicon: Lexicon) {
        let isDated = tags.contains { [.history, .hypothetical].contains($0.concept) }
        let tellsSequel = tellsSequel(tags)
        let isMeasured = tokens.indices.dropLast().contains { tokens[$0].kind == .number && lexicon.units[tokens[$0 + 1].text] != nil }
        // `息肉切除后创面无出血`: one phrase holds polyp and removal.
        for index in tags.indices where tags[index].concept == .postoperative && !isDated && isMeasured && tellsSequel {
            guard lexicon.namesPolyp(in: tokens[tags[index].range]) else { continue }
            tags[index].meaning.concept = .procedure
        }
        for aftermath in tags where aftermath.concept == .aftermath {
            // "5 mm sessile polyp s/p cold snare": what was done to what was just described.
            let follows = isMeasured && tags.contains { $0.concept == .polyp && $0.range.upperBound <= aftermath.range.lowerBound }
            var settled = aftermath
            settled.meaning.concept = !isDated && (tellsSequel || follows) ? .resection : .history
            tags.append(settled)
        }
    }

    /// Whether a removal's own day is told of: nothing bled, the defect was closed. What did bleed may be days later.
    private static func tellsSequel(_ tags: [Tag]) -> Bool {
        tags.contains { tag in
            guard tag.concept == .sequel else { return false }
            return tag.range.count > 1
                || tags.contains {
                    $0.concept == .negation && $0.range.upperBound <= tag.range.lowerBound
                        && tag.range.lowerBound - $0.range.upperBound <= 6
                        || $0.concept == .negationAfter && $0.range.lowerBound == tag.range.upperBound
                }
        } || tags.contains { $0.concept == .closure }
    }

    // MARK: What was known

    /// "The polyp left last year was snared": the time is that of the leaving, the snare is of today.
    ///
    /// A clause with a time that dates anything but a sighting stays in the past.
    private static func settleKnown(_ tags: inout [Tag], in tokens: ArraySlice<Token>) {
        let pasts = tags.indices.filter { [.history, .former, .reported].contains(tags[$0].concept) }
        guard !pasts.isEmpty, isDealtWithNow(tags, in: tokens) else { return }
        let compares = tags.contains { $0.concept == .grown }
        let ofSightings = pasts.filter {
            compares || tags[$0].concept == .former && standsBeforeLesion(tags[$0], tags) || datesSighting(tags[$0], tags, in: tokens)
        }
        guard ofSightings.count == pasts.count else { return }
        for index in ofSightings { tags[index].meaning.concept = .ignore }
    }

    private static func standsBeforeLesion(_ tag: Tag, _ tags: [Tag]) -> Bool {
        tags.contains {
            ($0.concept == .polyp || $0.concept == .lesion) && $0.range.lowerBound >= tag.range.upperBound
                && $0.range.lowerBound - tag.range.upperBound <= 4
        }
    }

    private static func datesSighting(_ tag: Tag, _ tags: [Tag], in tokens: ArraySlice<Token>) -> Bool {
        tags.contains { other in
            guard other.concept == .sighted else { return false }
            if other.range.overlaps(tag.range) { return true }
            // "Resected in June, seen in the sigmoid": the time is that of the removal.
            let isOfRemoval = tags.contains {
                $0.concept == .resection
                    && ($0.range.upperBound <= tag.range.lowerBound && tag.range.lowerBound - $0.range.upperBound <= 1
                        || $0.range.lowerBound == tag.range.upperBound)
            }
            if isOfRemoval { return false }
            let gap =
                other.range.lowerBound >= tag.range.upperBound
                ? tag.range.upperBound..<other.range.lowerBound : other.range.upperBound..<tag.range.lowerBound
            return gap.count <= 4 && !gap.contains { tokens[$0].kind == .symbol }
        }
    }

    /// Whether a known polyp is removed, or measured as it is now.
    private static func isDealtWithNow(_ tags: [Tag], in tokens: ArraySlice<Token>) -> Bool {
        let isDenied = tags.contains { [.vanished, .hypothetical, .family, .undecided].contains($0.concept) }
        let lesions = tags.filter { $0.concept == .polyp || $0.concept == .lesion }
        guard !isDenied, let first = lesions.first else { return false }
        let behind = tags.filter { $0.range.lowerBound >= first.range.upperBound }
        guard !behind.contains(where: { $0.concept == .negationAfter || $0.concept == .lookalike }) else { return false }
        if tags.contains(where: { $0.concept == .grown }) { return true }
        let hasLength = tokens.contains { $0.kind == .number }
        if hasLength, behind.contains(where: { $0.concept == .current }), !behind.contains(where: { $0.concept == .normal }) { return true }
        // "Polyps removed elsewhere", "the polyp resected before": the word beside the removal dates it.
        return behind.contains { taken in
            taken.concept == .resection
                && !tags.contains {
                    [.history, .former].contains($0.concept) && $0.range.lowerBound >= first.range.upperBound
                        && !datesSighting($0, tags, in: tokens)
                }
        }
    }
}
