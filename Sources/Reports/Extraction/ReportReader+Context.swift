/// What a statement does to those before it: takes them back, deals with what was only known, describes what was only
/// named.
extension ReportReader {
    // MARK: Corrections

    /// "The size was mistyped: it was 6 mm, not 16 mm"; "the line on the polyp was left from a template. No polyp was seen".
    mutating func retract(with reading: StatementReading) -> Bool {
        statementsSinceRetraction = reading.has(.retracted) ? 0 : statementsSinceRetraction + 1
        guard statementsSinceRetraction <= Self.reachOfRetraction, tally.last != nil else { return false }
        if let (wrong, right) = reading.correctedSize, wrong != nil || reading.has(.retracted) {
            let sites = reading.sites(in: Array(reading.pieces.indices), expandingRanges: false)
            tally.correct(wrong, to: right, at: sites)
            return true
        }
        guard reading.deniesAll else { return false }
        tally.removeAll()
        return true
    }

    private static var reachOfRetraction: Int { 2 }

    /// "The last three colonoscopies each had polyps. This one has none."
    mutating func denyTopic(with reading: StatementReading) -> Bool {
        guard let last = tally.last, last.standing == .affirmed, last.sites.isEmpty || last.sites == [.unspecified], last.measures.isEmpty,
            !last.isTakenOut, topicDistance == 0, reading.deniesTopic
        else { return false }
        tally.removeLast()
        return true
    }

    // MARK: Known lesions

    /// "CT suspected a polyp at the splenic flexure. It was there: 8 mm."; "Referred for EMR of a 30 mm polyp. It was
    /// removed piecemeal."
    mutating func confirmReported(with reading: StatementReading) -> Bool {
        guard let reported, reading.mentions.isEmpty,
            !reading.has(.negation, .negationAfter, .lookalike, .history, .hypothetical, .failure, .undecided, .possible, .vanished)
        else { return false }
        let isConfirmed = reading.has(.confirmed) && (reading.has(.anaphor) || !reading.measures.isEmpty)
        let isPlaced = !(reported.measures.isEmpty && reported.sites.isEmpty)
        let isTaken = reading.isTakenOut && reading.opensWithAnaphor && isPlaced
        let isMetAgain = reading.has(.confirmed) && reading.isTakenOut && isPlaced
        let isGrown = reading.has(.grown) && !reading.measures.isEmpty
        guard
            isGrown || !isReportedOfPast && (isConfirmed || isTaken) || isReportedOfPast && (isTaken || isMetAgain) && reading.has(.current)
        else {
            return false
        }
        var contribution = reported
        contribution.section = reading.statement.section
        contribution.range = reading.statement.range
        if !reading.measures.isEmpty { contribution.measures = reading.measures.flatMap(\.values) }
        let sites = reading.sites(in: Array(reading.pieces.indices), expandingRanges: false)
        if !sites.isEmpty { contribution.sites = sites }
        contribution.shapes += reading.shapes(in: Array(reading.pieces.indices))
        contribution.isTakenOut = reading.isTakenOut
        contribution.counts = [1]
        add(contribution, of: reading.statement)
        return true
    }

    // MARK: Suspicions

    /// "Blood in the stool, polyps suspected. The whole colon is normal": nothing was seen that could be doubted.
    mutating func dropSuspicion(with reading: StatementReading) {
        // What was only raised in between says nothing for or against it.
        let between = tally.contributions.reversed().prefix { $0.standing == .weak }.count
        guard between < tally.contributions.count, between < 3,
            case let last = tally.contributions[tally.contributions.count - 1 - between], last.standing == .uncertain,
            !reading.mentions.contains(where: { $0.standing == .affirmed || $0.standing == .uncertain })
        else { return }
        let isAnswered = reading.has(.normal, .absence) || reading.mentions.contains(where: { $0.standing == .negated })
        // "Possible 5 mm polyp on insertion. … No polyp.": nothing is left of the doubt.
        let isDenied = reading.deniesAll && !reading.has(.site, .rest, .history) && !reading.deniesOnlyCertainty
        guard isDenied || between == 0 && (last.isSuspicion && isAnswered || last.isAsked && reading.opensWithDenial) else { return }
        for _ in 0...between { tally.removeLast() }
    }

    // MARK: What was only named

    /// "The polyp could not be classified; 7 mm, ascending colon": the word, then what it stands for.
    mutating func describePending(with reading: StatementReading) -> Bool {
        guard let pending, reading.mentions.isEmpty, !reading.measures.isEmpty, !reading.saysOtherwise else { return false }
        let all = Array(reading.pieces.indices)
        let sites = reading.sites(in: all, expandingRanges: false)
        guard !sites.isEmpty || !pending.sites.isEmpty else { return false }
        var contribution = pending
        contribution.standing = .affirmed
        contribution.range = reading.statement.range
        if !sites.isEmpty { contribution.sites = sites }
        contribution.measures = reading.measures.flatMap(\.values)
        contribution.shapes += reading.shapes(in: all)
        contribution.isTakenOut = reading.isTakenOut
        contribution.counts = [1]
        add(contribution, of: reading.statement)
        return true
    }

    /// "He had polyps removed last year; today one in the rectum": a number stands for the word spoken before.
    mutating func countTopic(with reading: StatementReading) -> Bool {
        guard topicDistance <= 1 || lexicon.namesPolyp(in: reading.tokens),
            !reading.mentions.contains(where: { $0.standing == .affirmed || $0.standing == .uncertain }),
            let count = reading.countOfTopic, !tally.hasCounted || reading.has(.current)
        else { return false }
        let indices = reading.pieces.indices.filter { !reading.isHistorical($0) }
        add(
            Contribution(
                standing: .affirmed, section: reading.statement.section, range: reading.statement.range,
                sites: reading.sites(in: indices, expandingRanges: false), measures: reading.measures(in: indices).flatMap(\.values),
                shapes: reading.shapes(in: indices), counts: [count], isTakenOut: reading.isTakenOut),
            of: reading.statement)
        return true
    }

    /// `Sigmoid 4 mm` on a line of its own: a polyp where the report says somewhere that there are some, and not which.
    mutating func keepBare(_ reading: StatementReading) {
        guard reading.isBareList else { return }
        let telling = reading.pieces.indices.filter { reading.hasMeasure(in: reading.pieces[$0]) }
        for index in telling {
            let values = reading.measures(in: [index]).flatMap(\.values)
            bareItems.append(
                Contribution(
                    standing: .affirmed, section: reading.statement.section, range: reading.statement.range,
                    sites: reading.sites(in: [index], expandingRanges: false), measures: values, shapes: reading.shapes(in: [index]),
                    counts: [values.count]))
        }
    }

    mutating func addBareItems() {
        let affirmed = tally.contributions.filter { $0.standing == .affirmed }
        guard !bareItems.isEmpty, !affirmed.isEmpty, affirmed.allSatisfy({ $0.measures.isEmpty && $0.sites.isEmpty }) else { return }
        tally.dropHeadings()
        for item in bareItems { tally.add(item) }
    }
}

extension StatementReading {
    private static var longestBareItem: Int { 9 }

    /// Places with lengths and nothing else.
    var isBareList: Bool {
        guard mentions.isEmpty, !measures.isEmpty, !saysOtherwise, !has(.course, .device) else { return false }
        return pieces.indices.filter { hasMeasure(in: pieces[$0]) }.allSatisfy { index in
            !sites(in: [index], expandingRanges: false).isEmpty && pieces[index].count <= Self.longestBareItem
        }
    }

    /// `Number: 2`, a field of a form.
    var numberField: Int? {
        guard let first = tokens.first, Self.numberNames.contains(first.text), tokens.contains(where: { $0.text == ":" }),
            let number = tokens.last(where: { $0.kind == .number }), number.value == number.value.rounded(), (1...99).contains(number.value)
        else { return nil }
        return Int(number.value)
    }

    private static let numberNames: Set<String> = ["number", "no", "count", "quantity", "anzahl", "zahl", "数", "个", "枚"]

    /// Words that make a place and a length something else than a polyp's.
    var saysOtherwise: Bool {
        has(.lookalike, .organ, .normal, .absence, .history, .family, .hypothetical, .negation, .negationAfter, .reported)
    }

    /// "It was 6 mm, not 16 mm": the wrong size, if it is named, and the right one.
    var correctedSize: (wrong: Double?, right: Double)? {
        func isDenied(_ measure: Measure) -> Bool {
            tags.contains {
                ($0.concept == .negation || $0.concept == .denial) && $0.range.upperBound <= measure.range.lowerBound
                    && measure.range.lowerBound - $0.range.upperBound <= 1
            }
        }
        let denied = measures.filter(isDenied)
        guard let right = measures.last(where: { !isDenied($0) }) else { return nil }
        return (denied.map(\.largest).max(), right.largest)
    }

    /// Whether it says that there is no polyp at all, and not only no other one.
    var deniesAll: Bool {
        let denied = mentions.filter { $0.standing == .negated && $0.kind != .lesion }
        guard !denied.isEmpty, !mentions.contains(where: { $0.standing == .affirmed || $0.standing == .uncertain }), !has(.except) else {
            return false
        }
        return !tags.contains { tag in
            tag.concept == .negation
                && tag.range.contains { position in
                    lexicon.phrases.longest(in: tokens, at: position)?.values.contains {
                        $0.concept == .classifier || $0.concept == .another
                    }
                        ?? false
                }
        }
    }

    /// "No definite polyp": one that is not definite is left.
    var deniesOnlyCertainty: Bool { tokens.contains { Self.certainty.contains($0.text) } }

    private static let certainty: Set<String> = [
        "definite", "definitely", "certain", "sure", "obvious", "clear", "convincing", "sicher", "sicherer", "sicheren", "eindeutig",
        "eindeutiger", "eindeutigen", "明", "确",
    ]

    /// "No, none was there": an answer, and not the denial of something else.
    var opensWithDenial: Bool {
        tags.contains {
            [.negation, .negationAfter, .denial].contains($0.concept) && $0.range.lowerBound - statement.range.lowerBound <= 1
        } && !has(.sequel, .closure, .device, .lookalike, .organ)
    }

    /// "This one has none", "there was none": the noun is that of the sentence before.
    var deniesTopic: Bool {
        guard mentions.isEmpty, measures.isEmpty, tokens.count <= 10,
            !has(.sequel, .closure, .device, .lookalike, .site, .rest, .organ, .resection, .current)
        else { return false }
        return tags.contains { tag in
            (tag.concept == .negation || tag.concept == .negationAfter)
                && tokens[tag.range].contains { Self.pronouns.contains($0.text) }
                && tokens[tag.range.upperBound...].allSatisfy { $0.kind == .symbol }
        }
    }

    var opensWithAnaphor: Bool {
        tags.contains { $0.concept == .anaphor && $0.range.lowerBound - statement.range.lowerBound <= 2 }
    }

    /// The number in a clause of today that has a place or a size and no noun: "today one in the rectum"; nil inside where
    /// it is not exact, nil where there is none.
    var countOfTopic: Int?? {
        guard !has(.lookalike, .organ, .absence, .family, .hypothetical, .possible, .undecided, .vanished) else { return nil }
        for quantity in quantities where !quantity.isArticle && quantity.value.map({ $0 > 0 && $0 < 30 }) ?? true {
            let (clause, behind) = clause(of: quantity.range)
            guard has(.current, .positive, .but, .resection, .sighted, in: clause), !has(.history, .negation, .negationAfter, in: clause),
                !isOfDevice(quantity), has(.site, in: behind) || hasMeasure(in: behind)
            else { continue }
            return .some(quantity.value)
        }
        // "There was one more, 3 mm, in the rectum".
        guard let another = tags.first(where: { $0.concept == .another && $0.range.count > 1 }) else { return nil }
        let (clause, behind) = clause(of: another.range)
        guard has(.current, .positive, in: clause), !has(.history, .negation, .negationAfter, in: clause), hasMeasure(in: behind) else {
            return nil
        }
        return .some(1)
    }

    /// The clause around a number, from the colon in front of it or from a bare "today", and where its place may stand.
    private func clause(of range: Range<Int>) -> (clause: Range<Int>, behind: Range<Int>) {
        let own = piece(of: range.lowerBound)
        var start = pieces[own].lowerBound
        if own > 0, pieces[own - 1].count <= 2, has(.current, in: pieces[own - 1]) { start = pieces[own - 1].lowerBound }
        if let colon = tokens[start..<max(start, range.lowerBound)].lastIndex(where: { $0.text == ":" }) { start = colon + 1 }
        let end = pieces[min(own + 2, pieces.count - 1)].upperBound
        return (start..<pieces[own].upperBound, range.upperBound..<max(end, range.upperBound))
    }
}

extension Lexicon {
    /// Whether a polyp is named in `tokens`, inside a longer phrase or not.
    func namesPolyp(in tokens: ArraySlice<Token>) -> Bool {
        tokens.indices.contains { position in phrases.has(in: tokens, at: position) { $0.concept == .polyp || $0.concept == .procedure } }
    }
}
