/// The scopes: what a statement's words do to the polyps it mentions.
///
/// After NegEx and ConText (Chapman et al. 2001; Harkema et al. 2009): triggers with a direction and a reach, and words
/// that end it; here with clauses ("pieces") as the measure of reach instead of a number of words.
extension StatementReading {
    /// Judges every mention.
    ///
    /// - Parameters:
    ///   - isUpper: whether the words so far were of another organ.
    ///   - hasContextSite: whether a site of the bowel is known from the words before.
    mutating func judge(isUpper: Bool, hasContextSite: Bool) {
        for index in mentions.indices {
            setStanding(standing(of: mentions[index], isUpper: isUpper, hasContextSite: hasContextSite), of: index)
        }
        // "A polypoid bump, maybe a diverticulum, maybe a polyp": the doubt is about the one thing that was described.
        let doubts = mentions.contains { mention in
            mention.standing == .uncertain && !hasMeasure(in: pieces[mention.piece]) && !has(.site, in: pieces[mention.piece])
        }
        guard doubts, !has(.resection), !has(.confirmed) else { return }
        for index in mentions.indices where mentions[index].standing == .affirmed { setStanding(.uncertain, of: index) }
    }

    private func standing(of mention: Mention, isUpper: Bool, hasContextSite: Bool) -> Standing {
        let piece = pieces[mention.piece]
        if isInOtherOrgan(mention, isUpper: isUpper) { return .elsewhere }
        // "Polyp snare opened, not used": a tool's name.
        if has(.equipment), !has(.site, .positive, .classification) { return .elsewhere }
        if isOnlyPlace(mention) || isOnlyReason(mention) { return .elsewhere }
        if has(.generality), measures.isEmpty, !has(.resection, .current), !quantities.contains(where: { !$0.isArticle }) {
            return .elsewhere
        }
        let isConfirmedNow = pieces.indices.contains {
            $0 > mention.piece && has(.current, in: pieces[$0]) && isConfirmed(in: pieces[$0], inWordsOfItsOwn: true)
        }
        let isSure = isConfirmedNow || isConfirmed(in: piece) || isConfirmed(in: statement.range) && !has(.history, in: piece)
        if !isSure {
            // "Polyp or healing ulcer, hard to tell": what is weighed now was not seen then.
            let isWeighedNow = has(.undecided, in: piece) && has(.lookalike, in: piece)
            if isHistorical(mention.piece) && !isWeighedNow || isFormer(mention) || isQuoted(mention) { return .elsewhere }
            if mention.kind != .implied, isReported(mention) { return .elsewhere }
        }
        let isOwn =
            hasMeasure(in: piece) || has(.positive, .resection, .current, .except, .site, in: piece)
            || quantities.contains { $0.range.overlaps(piece) && !$0.isArticle && $0.value != 0 }
        if has(.family, in: piece) || has(.family) && !isOwn {
            return .elsewhere
        }
        if isDeniedAfterAll(mention) { return .negated }
        if isUndecided(mention) || isAsked { return .uncertain }
        if isResolved(mention) { return .elsewhere }
        if isHypothetical(mention) || isPostoperative(mention) { return .elsewhere }
        if has(.vanished), !has(.resection), !isNegatedForward(mention.range) { return .uncertain }
        if isNegated(mention) { return .negated }
        if mention.kind == .lesion, isQualifiedAsLookalike(mention) { return .elsewhere }
        let isTakenOut = isTakenOut
        if !isTakenOut || mention.kind == .lesion, !isOnlyKindInDoubt {
            if isOnlyPossible(mention) || isOneOfTwo(mention) { return .uncertain }
        }
        if mention.kind == .lesion, !isTakenOut, !has(.classification), !isOnlyKindInDoubt,
            tags.contains(where: { $0.concept == .possible && !isAboutLookalike($0) })
        {
            return .uncertain
        }
        switch mention.kind {
        case .lesion:
            let isShaped = tags.contains { $0.concept == .morphology && !isNegatedWord($0.range) }
            let isDescribed = hasMeasure(in: statement.range) || isShaped || has(.classification)
            if hasLookalike, !isTakenOut || !isDescribed { return .elsewhere }
            let isRecurrence = has(.confirmed, in: mention.range) && hasMeasure(in: statement.range)
            return isTakenOut || isShaped || isRecurrence || has(.classification) ? .affirmed : .weak
        case .procedure:
            return hasMeasure(in: statement.range) || has(.site) || quantities.contains { !$0.isArticle } || has(.positive)
                ? .affirmed : .weak
        case .implied:
            return .affirmed
        case .polyp:
            return isSupported(mention, hasContextSite: hasContextSite) ? .affirmed : .weak
        }
    }

    /// Confirmed, and not "no residue or recurrence".
    ///
    /// - Parameter inWordsOfItsOwn: leaves out words such as "recurrent polyp", which confirm nothing but themselves.
    private func isConfirmed(in range: Range<Int>, inWordsOfItsOwn: Bool = false) -> Bool {
        tags(.confirmed, in: range).contains { tag in
            !isNegatedForward(tag.range) && !(inWordsOfItsOwn && tags.contains { $0.concept == .polyp && $0.range.overlaps(tag.range) })
        }
    }

    /// Whether something was taken out in this examination: "at the site of the previous EMR" does not say so.
    var isTakenOut: Bool {
        tags.contains { tag in
            let own = pieces[piece(of: tag.range.lowerBound)]
            guard tag.concept == .resection, !has(.history, in: own), !isFailure(tag, in: own) else { return false }
            return !tags.contains {
                $0.concept == .former && $0.range.upperBound <= tag.range.lowerBound
                    && tag.range.lowerBound - $0.range.upperBound <= 1
            }
        }
    }

    /// "Could not be reached with the snare".
    private func isFailure(_ resection: Tag, in piece: Range<Int>) -> Bool {
        tags(.failure, in: piece).contains {
            $0.range.upperBound <= resection.range.lowerBound && resection.range.lowerBound - $0.range.upperBound <= 5
                || $0.range.lowerBound >= resection.range.upperBound && $0.range.lowerBound - resection.range.upperBound <= 3
        }
    }

    /// A polyp is believed when something is said of it, not for the mere word.
    private func isSupported(_ mention: Mention, hasContextSite: Bool) -> Bool {
        if statement.section == .impression { return true }
        if !measures.isEmpty || !quantities.isEmpty || !leadSites.isEmpty { return true }
        if has(.site) || has(.morphology) || has(.classification) || has(.resection) || has(.positive) { return true }
        if hasContextSite { return true }
        // A lone abbreviation may stand for anything.
        let isCode = mention.range.allSatisfy { tokens[$0].kind == .word && tokens[$0].text.count <= 4 }
        return tokens.count <= 5 && !(isCode && tokens.count <= mention.range.count + 1)
    }

    /// Whether the statement names a look-alike, other than one that only lies over or beside it.
    var hasLookalike: Bool { tags.contains { $0.concept == .lookalike && !isNearby($0) } }

    /// "Turned out to be stool": but not "stool, washed away".
    var resolvesToLookalike: Bool {
        tags.contains { tag in
            tag.concept == .resolved
                && tags.contains { $0.concept == .lookalike && $0.range.lowerBound >= tag.range.upperBound && !isNearby($0) }
        }
    }

    /// "Submucosal nodule": the word in front makes it a look-alike for certain.
    private func isQualifiedAsLookalike(_ mention: Mention) -> Bool {
        tags.contains {
            $0.concept == .lookalike && $0.range.upperBound <= mention.range.lowerBound
                && mention.range.lowerBound - $0.range.upperBound <= 1 && !isNearby($0)
        }
    }

    // MARK: Organ

    private func isInOtherOrgan(_ mention: Mention, isUpper: Bool) -> Bool {
        let places = tags.filter { $0.concept == .organ || $0.concept == .site }
        if let own = places.first(where: { $0.range.overlaps(mention.range) }) { return own.concept == .organ }
        let piece = pieces[mention.piece]
        if let before = places.last(where: { $0.range.upperBound <= mention.range.lowerBound && piece.contains($0.range.lowerBound) }) {
            return before.concept == .organ
        }
        if let after = places.first(where: { $0.range.lowerBound >= mention.range.upperBound && piece.contains($0.range.lowerBound) }),
            after.range.lowerBound - mention.range.upperBound < 9
        {
            return after.concept == .organ
        }
        if !leadSites.isEmpty { return false }
        if let earlier = places.last(where: { $0.range.upperBound <= mention.range.lowerBound }) {
            return earlier.concept == .organ
        }
        return isUpper
    }

    // MARK: Time

    /// Whether a clause speaks of an earlier examination.
    func isHistorical(_ index: Int) -> Bool {
        if has(.history, in: pieces[index]) {
            // `Sigmoid: the polyp seen last week, cold snare`.
            let isTakenElsewhere = pieces.indices.contains {
                $0 > index && has(.resection, in: pieces[$0]) && !has(.history, in: pieces[$0])
            }
            if !leadSites.isEmpty, hasMeasure(in: pieces[index]), isTakenElsewhere, !has(.resection, .lookalike, in: pieces[index]) {
                return false
            }
            // "Today … ; in 2019 …" within one clause: the nearer word in front of it holds.
            return !has(.current, in: pieces[index]) || historyComesLast(in: pieces[index])
        }
        // A clause after it, while nothing returns to the present.
        // "…, left last time, 6 mm, today removed": the size is the polyp's.
        let isBareSize =
            pieces[index].count <= 4 && hasMeasure(in: pieces[index])
            && pieces.indices.contains { $0 > index && has(.current, in: pieces[$0]) }
        var earlier = isBareSize ? 0 : index
        while earlier > 0 {
            if has(.current, .positive, .but, .except, .course, in: pieces[earlier]) { return false }
            earlier -= 1
            if has(.current, in: pieces[earlier]) { return false }
            // "After resection of the sigmoid three years ago: at the anastomosis …": a colon ends what went before.
            if has(.aftermath, in: pieces[earlier]), pieces[earlier].upperBound < tokens.endIndex,
                tokens[pieces[earlier].upperBound].text == ":"
            {
                return false
            }
            // "Follow-up after removal of adenomas, transverse colon 6 mm adenoma": the check is of today.
            if has(.survey, in: pieces[earlier]), has(.site, in: pieces[index]), hasMeasure(in: pieces[index]) { return false }
            if has(.history, in: pieces[earlier]) { return true }
        }
        // "A polyp in the sigmoid, removed in 2019": the time is said behind.
        let later = index + 1
        if later < pieces.count, has(.history, in: pieces[later]), !has(.polyp, .lesion, .lookalike, in: pieces[later]),
            !has(.current, .positive, .normal, .negation, in: pieces[later]), !has(.current, .positive, in: pieces[index]),
            !(has(.resection, in: pieces[index]) && hasMeasure(in: pieces[index]))
        {
            // "…, left last time, 6 mm, today removed": and then the present.
            let returns = (later..<pieces.count).contains { has(.current, in: pieces[$0]) && has(.resection, in: pieces[$0]) }
            return !has(.except, in: pieces[index]) && !returns
        }
        return false
    }

    /// Said by others, unless the clause goes on to say what it really is.
    private func isReported(_ mention: Mention) -> Bool {
        let isDescribed = !measures.isEmpty || has(.morphology, .classification)
        return tags(.reported, in: pieces[mention.piece]).contains { tag in
            !isDescribed
                || !tags.contains {
                    $0.concept == .resolved && $0.range.lowerBound >= tag.range.upperBound
                        && $0.range.upperBound <= mention.range.lowerBound
                }
        }
    }

    /// `The "polyp" of the referral`: a word of others, as long as nothing is done about it.
    private func isQuoted(_ mention: Mention) -> Bool {
        guard mention.kind != .implied, !has(.resection) else { return false }
        let before = tokens[statement.range.lowerBound..<mention.range.lowerBound].count { $0.text == "\"" }
        return before % 2 == 1 && tokens[mention.range.upperBound...].prefix(8).contains { $0.text == "\"" }
    }

    /// The polyp that only others have seen, so far.
    func reportedLesion() -> Contribution? {
        guard mentions.contains(where: { $0.standing == .elsewhere }), !has(.lookalike, .organ, .family)
        else { return nil }
        let all = Array(pieces.indices)
        return Contribution(
            standing: .affirmed, section: statement.section, range: statement.range, sites: sites(in: all, expandingRanges: false),
            measures: measures.flatMap(\.values), shapes: shapes(in: all))
    }

    private func historyComesLast(in piece: Range<Int>) -> Bool {
        let times = tags(.history, .current, in: piece)
        return times.last?.concept == .history && !hasMeasure(in: piece)
    }

    private func isFormer(_ mention: Mention) -> Bool {
        tags(.former, in: pieces[mention.piece]).contains {
            $0.range.upperBound <= mention.range.lowerBound && mention.range.lowerBound - $0.range.upperBound <= 4
        }
    }

    /// "Sigmoid polyp, after resection": in a conclusion or without any detail it may be of today or of long ago.
    private func isPostoperative(_ mention: Mention) -> Bool {
        let follows = tags.contains {
            $0.concept == .postoperative && $0.range.lowerBound >= mention.range.lowerBound
                && $0.range.lowerBound - mention.range.upperBound <= 12
        }
        guard follows, !has(.current, .confirmed) else { return false }
        return statement.section == .impression || !hasMeasure(in: statement.range) && !has(.positive)
    }

    private func isHypothetical(_ mention: Mention) -> Bool {
        tags.contains { tag in
            guard tag.concept == .hypothetical, tag.range.lowerBound < mention.range.upperBound else { return false }
            let first = piece(of: tag.range.lowerBound)
            // "Came for his first colonoscopy prep was fair found a 4 mm polyp": without a comma, the examination begins.
            if tag.range.upperBound <= mention.range.lowerBound,
                has(.course, .current, in: tag.range.upperBound..<mention.range.lowerBound)
            {
                return false
            }
            // "Referred for removal of a 20 mm LST: ESD performed today".
            if tag.range.upperBound <= mention.range.lowerBound,
                let colon = tokens[mention.range.upperBound...].firstIndex(where: { $0.text == ":" }),
                case let behind = colon..<tokens.endIndex, has(.resection, in: behind), has(.current, in: behind),
                !has(.failure, .lookalike, .negationAfter, in: behind)
            {
                return false
            }
            // "He was nearly missed: 6 mm polyp behind a fold": what the colon announces is there.
            if tag.range.upperBound <= mention.range.lowerBound, hasMeasure(in: pieces[mention.piece]),
                tokens[tag.range.upperBound..<mention.range.lowerBound].contains(where: { $0.text == ":" })
            {
                return false
            }
            guard first != mention.piece else { return true }
            return mention.piece - first <= 2
                && (first + 1...mention.piece).allSatisfy { !isAssertive($0) && !has(.current, .but, in: pieces[$0]) }
        }
    }

    /// "At the site of the polyp only normal mucosa": the polyp names a place.
    private func isOnlyPlace(_ mention: Mention) -> Bool {
        tags(.remains, in: pieces[mention.piece]).contains { tag in
            if tag.range.lowerBound == mention.range.upperBound { return true }
            guard tag.range.upperBound <= mention.range.lowerBound, mention.range.lowerBound - tag.range.upperBound <= 6 else {
                return false
            }
            let gap = tag.range.upperBound..<mention.range.lowerBound
            return !gap.contains { tokens[$0].text == "," } && !has(.positive, .negation, .site, in: gap) && mention.kind != .implied
        }
    }

    /// "Adenoma follow-up.": why the examination was made.
    private func isOnlyReason(_ mention: Mention) -> Bool {
        mention.kind == .polyp && has(.survey) && tokens.count <= 6 && measures.isEmpty && quantities.isEmpty
            && !has(.site, .resection, .positive, .confirmed, .current, .morphology, .negation, .negationAfter, .possible)
    }

    // MARK: Doubt

    /// "A polyp in the transverse colon? The resident thinks so": a sentence that asks.
    var isAsked: Bool { measures.isEmpty && tokens.last?.text == "?" }

    private func isUndecided(_ mention: Mention) -> Bool {
        tags(.undecided, in: statement.range).contains { tag in
            if isAboutMalignancy(tag, mention) { return false }
            let other = piece(of: tag.range.lowerBound)
            if other == mention.piece { return true }
            // A predicate in a clause of its own speaks of what stands before, or of what follows.
            let range = min(other, mention.piece) + 1..<max(other, mention.piece)
            let between = range.contains { has(.polyp, in: pieces[$0]) }
            // "The sigmoid cannot be judged, in the rectum a 6 mm polyp": the doubt has a place of its own.
            if has(.site, in: pieces[other]), has(.site, in: pieces[mention.piece]), hasMeasure(in: pieces[mention.piece]) { return false }
            return !between && !has(.polyp, in: pieces[other]) && abs(other - mention.piece) <= 3
                && !(has(.resection, in: pieces[mention.piece]))
        }
    }

    /// "Carcinoid suspected": the doubt is whether it is that, where no polyp is weighed against it.
    private func isAboutLookalike(_ tag: Tag) -> Bool {
        !has(.polyp)
            && tags.contains {
                $0.concept == .lookalike
                    && ($0.range.upperBound == tag.range.lowerBound || $0.range.lowerBound == tag.range.upperBound)
            }
    }

    /// "A 25 mm pedunculated polyp, malignancy suspected": the doubt is what it has become.
    private func isAboutMalignancy(_ tag: Tag, _ mention: Mention) -> Bool {
        guard mention.kind == .polyp, !measures.isEmpty, !has(.alternative) else { return false }
        let own = pieces[piece(of: tag.range.lowerBound)]
        let around = max(own.lowerBound, tag.range.lowerBound - 4)..<min(own.upperBound, tag.range.upperBound + 3)
        return around.contains { position in Self.malignancy.contains { tokens[position].text.hasPrefix($0) } }
    }

    private static let malignancy = ["malign", "cancer", "carcinom", "karzinom", "entart", "invasi", "癌", "恶"]

    private func isOnlyPossible(_ mention: Mention) -> Bool {
        let piece = pieces[mention.piece]
        return tags(.possible, in: piece).contains { tag in
            if mention.kind == .lesion, isAboutLookalike(tag) { return false }
            if isAboutMalignancy(tag, mention) { return false }
            let gap =
                tag.range.lowerBound >= mention.range.upperBound
                ? tag.range.lowerBound - mention.range.upperBound : mention.range.lowerBound - tag.range.upperBound
            let isMark = tokens[tag.range.lowerBound].text == "?"
            return gap <= (isMark ? 3 : 9)
        }
    }

    /// "Flat lesion (IIa), 20 mm, SSL suspected": there is a polyp, and the doubt is which kind it is.
    private var isOnlyKindInDoubt: Bool {
        guard !measures.isEmpty, !hasLookalike, !has(.undecided, .vanished, .alternative) else { return false }
        let isClassed = tags.contains { $0.concept == .morphology && isClass($0) }
        return tags(.possible, in: statement.range).allSatisfy { doubt in
            guard tokens[doubt.range.lowerBound].text != "?" else { return false }
            let isPresumed = Self.presumptions.contains(tokens[doubt.range.lowerBound].text)
            return tags.contains { kind in
                // "3 adenomas presumed", "SSL suspected": beside the word for the kind, and no "polyp" in it.
                let gap =
                    doubt.range.upperBound <= kind.range.lowerBound
                    ? kind.range.lowerBound - doubt.range.upperBound : doubt.range.lowerBound - kind.range.upperBound
                return kind.concept == .polyp && (0...2).contains(gap) && (isClassed || isPresumed)
                    && !kind.range.contains { position in ["polyp", "息", "肉"].contains { tokens[position].text.hasPrefix($0) } }
            }
        }
    }

    /// Words that take something for granted.
    private static let presumptions: Set<String> = [
        "presumed", "presumably", "presumptive", "probable", "probably", "likely", "vermutlich", "wahrscheinlich", "mutmasslich", "wohl",
    ]

    /// "What looked like a polyp turned out to be a diverticulum."
    private func isResolved(_ mention: Mention) -> Bool {
        tags.contains { tag in
            tag.concept == .resolved && tag.range.lowerBound >= mention.range.upperBound
                && tags.contains {
                    $0.range.lowerBound >= tag.range.lowerBound && $0.range.lowerBound - tag.range.upperBound <= 8
                        && ($0.concept == .lookalike && !isNearby($0) || $0.concept == .normal && !isTakenOut && measures.isEmpty)
                }
        }
    }

    /// "Inflammatory change or flat adenoma": the other is no polyp, whatever it may be.
    private func isSecondOfTwo(_ mention: Mention) -> Bool {
        guard mention.kind == .polyp, !hasMeasure(in: pieces[mention.piece]) else { return false }
        return tags.contains { tag in
            guard tag.concept == .alternative, tag.range.upperBound <= mention.range.lowerBound,
                mention.range.lowerBound - tag.range.upperBound <= 2, tag.range.lowerBound - pieces[mention.piece].lowerBound >= 1
            else { return false }
            let before = max(pieces[mention.piece].lowerBound, tag.range.lowerBound - 4)..<tag.range.lowerBound
            return !has(
                .polyp, .lesion, .procedure, .morphology, .classification, .resection, .site, .negation, .negationAfter, .organ, .history,
                .family, .hypothetical, in: before)
                && !before.contains { tokens[$0].kind == .number || lexicon.numbers[tokens[$0].text] != nil }
        }
    }

    /// "Polyp or fold", "adenoma versus granulation tissue".
    private func isOneOfTwo(_ mention: Mention) -> Bool {
        // "Polyp or …", whatever the other may be, as long as it is not another word for a polyp or a number.
        let isWeighed =
            mention.kind == .polyp
            && tags.contains { tag in
                tag.concept == .alternative && tag.range.lowerBound == mention.range.upperBound && tag.range.upperBound < tokens.endIndex
                    && lexicon.numeral(in: tokens, at: tag.range.upperBound) == nil
                    && !tags.contains {
                        [.polyp, .lesion, .procedure, .indefinite].contains($0.concept) && $0.range.lowerBound - tag.range.upperBound <= 2
                            && $0.range.lowerBound >= tag.range.upperBound
                    }
            }
        if isWeighed || isSecondOfTwo(mention) { return true }
        let lookalikes = tags.filter {
            ($0.concept == .lookalike || $0.concept == .normal && piece(of: $0.range.lowerBound) == mention.piece)
                && !$0.range.overlaps(mention.range) && !isNearby($0)
        }
        guard !lookalikes.isEmpty else { return false }
        return tags.contains { tag in
            guard tag.concept == .alternative else { return false }
            return lookalikes.contains { other in
                let first = min(other.range.upperBound, mention.range.upperBound)
                let last = max(other.range.lowerBound, mention.range.lowerBound)
                return tag.range.lowerBound >= first - 1 && tag.range.upperBound <= last + 1
                    || tag.range.upperBound <= min(other.range.lowerBound, mention.range.lowerBound) && last - first < 10
            }
        }
    }
}
