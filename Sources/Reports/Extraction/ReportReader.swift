/// Reads one report from top to bottom, statement by statement, keeping what the next one may refer to.
struct ReportReader {
    let lexicon: Lexicon
    let tokens: [Token]
    let statements: [Statement]

    var tally = Tally()
    /// Words of another organ are still in force.
    private var isUpper = false
    private var line = -1
    /// Sites at the head of the line, in front of a colon.
    private var lineSites: [Site] = []
    /// The site named last, for a statement without one.
    private var lastSites: [Site] = []
    /// Statements since the last contribution.
    private var distance = 99
    /// The line of the last contribution.
    private var contributionLine = -1
    private var lastNegation: Range<Int>?
    /// Polyps of a number said in this line ("2 polyps: 7 mm …; 3 mm …") that were not described yet.
    private var undescribed = 0
    /// What one of the statements before said that others had seen, or that was known.
    var reported: Contribution?
    private var reportedDistance = 0
    /// It is told of the past: what became of it was then as well.
    var isReportedOfPast = false
    /// A polyp named in the statement before, of which nothing was said.
    var pending: Contribution?
    /// Statements since a polyp was named, whatever was said of it.
    var topicDistance = 99
    /// Statements since something was taken back.
    var statementsSinceRetraction = 99
    /// Places with lengths, and no word of what was there.
    var bareItems: [Contribution] = []
    /// Fields of a form (`Site: sigmoid`, `Size: 5 mm`) that stand above the polyp they describe.
    private var fields = Self.noFields
    private static var noFields: Contribution { Contribution(standing: .weak, section: .findings, range: 0..<0) }

    init(_ report: String, lexicon: Lexicon) {
        self.lexicon = lexicon
        let tokens = lexicon.namingSegments(lexicon.corrected(lexicon.tokenizer.tokens(of: report)))
        var segmenter = Segmenter(tokens, lexicon: lexicon)
        statements = segmenter.segment()
        self.tokens = segmenter.tokens
    }

    mutating func read() -> Findings {
        for statement in statements { read(statement) }
        flushFields()
        addBareItems()
        var (findings, evidence) = tally.findings()
        evidence = evidence ?? lastNegation
        if let evidence, let first = tokens[evidence].first, let last = tokens[evidence].last {
            findings.evidence = EvidenceSpan(offset: first.start, length: last.end - first.start)
        }
        findings.confidence = confidence(of: findings)
        return findings
    }

    // MARK: One statement

    private mutating func read(_ statement: Statement) {
        guard statement.section == .findings || statement.section == .impression else { return }
        var reading = StatementReading(statement, tokens: tokens, lexicon: lexicon)
        if statement.line != line {
            line = statement.line
            lineSites = []
            isUpper = statement.isUpper
        }
        if statement.isUpper { isUpper = true }
        if !reading.leadSites.isEmpty { lineSites = reading.leadSites }
        if reading.has(.organ), !reading.has(.site) { isUpper = true }
        if reading.has(.site), !reading.has(.organ), !statement.isUpper { isUpper = false }
        reading.judge(isUpper: isUpper, hasContextSite: !lineSites.isEmpty)

        let isTold =
            retract(with: reading) || denyTopic(with: reading) || confirmReported(with: reading) || resolve(with: reading)
            || describePending(with: reading)
        if !isTold, !countTopic(with: reading) {
            keepBare(reading)
            contribute(reading)
        }
        dropSuspicion(with: reading)
        keepContext(of: reading)
        distance += 1
        if lastNegation == nil, reading.mentions.contains(where: { $0.standing == .negated }) || reading.has(.absence) {
            lastNegation = statement.range
        }
        let named = reading.sites(in: Array(reading.pieces.indices), expandingRanges: false)
        if !named.isEmpty { lastSites = reading.leadSites.isEmpty ? [named[named.count - 1]] : reading.leadSites }
    }

    mutating func add(_ contribution: Contribution, of statement: Statement) {
        tally.add(contribution)
        contributionLine = statement.line
        distance = 0
    }

    /// Remembers what the next statements may speak of.
    private mutating func keepContext(of reading: StatementReading) {
        if let lesion = reading.reportedLesion() {
            reported = lesion
            isReportedOfPast = !reading.has(.reported, .sighted, .hypothetical)
            reportedDistance = 0
        } else {
            reportedDistance += 1
            if reportedDistance > 1 { reported = nil }
        }
        topicDistance = lexicon.namesPolyp(in: reading.tokens) ? 0 : topicDistance + 1
        let isNamed =
            reading.mentions.contains { $0.kind == .polyp && $0.standing == .weak }
            || reading.mentions.isEmpty && reading.has(.failure) && lexicon.namesPolyp(in: reading.tokens)
        pending =
            isNamed
            ? Contribution(
                standing: .weak, section: reading.statement.section, range: reading.statement.range,
                shapes: reading.shapes(in: Array(reading.pieces.indices)))
            : nil
    }

    /// What the statement says of the lesion of the statement before: that it was a fold, that it stays open.
    private mutating func resolve(with reading: StatementReading) -> Bool {
        guard let last = tally.last, distance <= (last.standing == .affirmed ? 1 : 3),
            last.section == reading.statement.section || last.section != .impression
        else { return false }
        let isOwn = reading.mentions.contains { $0.standing == .affirmed }
        guard !isOwn else { return false }
        let bringsOwn = !reading.measures.isEmpty
        let isOpen = reading.mentions.contains { $0.standing == .uncertain } || reading.has(.undecided, .vanished)
        if !isOpen, reading.has(.anaphor) ? reading.has(.resolved) && reading.hasLookalike : reading.resolvesToLookalike, !last.isTakenOut {
            tally.removeLast()
            return true
        }
        if !isOpen, last.standing == .weak, reading.hasLookalike, reading.has(.anaphor, .resolved) {
            tally.removeLast()
            return true
        }
        // "A 5 mm nodule. Removed with the snare."
        if !isOpen, last.standing == .weak, !last.measures.isEmpty, distance <= 1, reading.isTakenOut, !reading.hasLookalike,
            !bringsOwn, !reading.has(.site, .history, .hypothetical, .negation), reading.mentions.isEmpty
        {
            tally.updateLast {
                $0.standing = .affirmed
                $0.isTakenOut = true
                $0.counts = [1]
            }
            contributionLine = reading.statement.line
            distance = 0
            return true
        }
        let refersBack = reading.has(.anaphor) || !reading.mentions.isEmpty || reading.has(.undecided, .vanished)
        if isOpen, !bringsOwn, refersBack, !last.isTakenOut,
            last.standing != .affirmed || last.isImplied || reading.has(.undecided, .vanished)
        {
            let sites = last.sites.isEmpty ? reading.sites(in: Array(reading.pieces.indices), expandingRanges: false) : []
            tally.updateLast {
                $0.standing = .uncertain
                $0.sites += sites
                $0.shapes += reading.mentions.isEmpty ? [] : reading.shapes(in: reading.activePieces())
            }
            distance = 0
            return true
        }
        return false
    }

    private mutating func contribute(_ reading: StatementReading) {
        let standings = reading.mentions.map(\.standing)
        let standing: StatementReading.Standing
        let isContinuation: Bool
        if standings.contains(.affirmed) {
            (standing, isContinuation) = (.affirmed, false)
        } else if standings.contains(.uncertain) {
            (standing, isContinuation) = (.uncertain, false)
        } else if repeatsKind(reading) {
            (standing, isContinuation) = (.affirmed, true)
        } else if zip(reading.mentions, standings).contains(where: { $0.kind == .lesion && $1 == .weak }) {
            (standing, isContinuation) = (.weak, false)
        } else if continues(reading), let last = tally.last {
            (standing, isContinuation) = (last.standing, true)
        } else {
            keepField(reading)
            return
        }
        defer { fields = Self.noFields }
        let indices = reading.activePieces()
        var sites = reading.sites(of: indices, expandingRanges: reading.speaksOfScattered)
        if sites.isEmpty, lineSites.isEmpty, !isContinuation { sites = fields.sites }
        let ownSites = sites
        if sites.isEmpty, !reading.has(.total) { sites = lineSites }
        if sites.isEmpty { sites = reading.sites(in: indices, expandingRanges: false, includingNearby: true) }
        if sites.isEmpty, !isContinuation { sites = contextSites(for: reading, standing: standing) }
        var contribution = Contribution(
            standing: standing, section: reading.statement.section, range: reading.statement.range, sites: sites,
            measures: reading.measures(in: indices).flatMap(\.values), shapes: reading.shapes(in: indices))
        if contribution.measures.isEmpty, !isContinuation { contribution.measures = fields.measures }
        if contribution.shapes.isEmpty, !isContinuation { contribution.shapes = fields.shapes }
        contribution.isTakenOut = reading.isTakenOut
        contribution.isAsked = standing == .uncertain && reading.isAsked
        contribution.isSuspicion =
            standing == .uncertain && reading.has(.possible) && ownSites.isEmpty && reading.measures.isEmpty
            && !reading.has(.undecided, .vanished, .alternative, .morphology)
        contribution.isImplied = reading.mentions.allSatisfy { $0.kind == .implied || $0.kind == .lesion }
        // "Pale specks, 2-3 mm each; these polyps were left": what was raised before is named now.
        if standing != .weak, contribution.measures.isEmpty, distance <= 1, reading.namesTheKnown, let last = tally.last,
            last.standing == .weak
        {
            contribution.measures = last.measures
            contribution.shapes += last.shapes
            if ownSites.isEmpty { contribution.sites = last.sites }
        }
        // "A 30 mm polyp was seen elsewhere. … This polyp was still there, as large as before."
        if standing == .affirmed, contribution.measures.isEmpty, reading.namesTheKnown, let reported,
            ownSites.isEmpty || ownSites == reported.sites
        {
            contribution.measures = reported.measures
            if ownSites.isEmpty, !reported.sites.isEmpty { contribution.sites = reported.sites }
        }
        if standing == .affirmed {
            let tally = tally
            let count = reading.count(
                in: indices, isContinuation: isContinuation, sites: sites, hasCounted: tally.hasCounted,
                isKnown: { sites, sizes in
                    tally.knows(sites: sites, measures: sizes) || sizes.isEmpty && sites.allSatisfy { tally.knows(site: $0) }
                })
            contribution.counts = count.counts
            if contributionLine != reading.statement.line { undescribed = 0 }
            if undescribed > 0, reading.mentions.allSatisfy({ $0.kind == .implied }), count.counts == [1], distance <= 1,
                ownSites.isEmpty || tally.last.map({ $0.sites.isEmpty || $0.sites == ownSites }) ?? true
            {
                contribution.counts = []
                undescribed -= 1
            } else if count.counts.count == 1, let whole = count.counts[0], whole > 1 {
                let described = reading.has(.each) ? whole : contribution.measures.count
                undescribed = described == 0 ? 0 : max(0, whole - described)
            }
            contribution.total = count.total
            contribution.isMultiple = count.isMultiple
            contribution.isIndefinite = reading.has(.indefinite)
            contribution.isTotalSaid = count.isTotalSaid
            contribution.isAnother = reading.has(.another)
            // "Two polyps in all" has no place of its own.
            if count.total != nil, count.counts.isEmpty { contribution.sites = ownSites }
        }
        tally.add(contribution)
        contributionLine = reading.statement.line
        distance = 0
    }

    /// `Descending: several similar ones`, behind polyps.
    private func repeatsKind(_ reading: StatementReading) -> Bool {
        guard let last = tally.last, last.standing == .affirmed, last.section == reading.statement.section, distance <= 2 else {
            return false
        }
        return reading.has(.alike) && reading.has(.site) && reading.mentions.allSatisfy { $0.standing == .weak }
            && !reading.has(.negation, .negationAfter, .lookalike, .organ, .normal, .history, .hypothetical)
    }

    /// Keeps what a form says before it names the polyp.
    private mutating func keepField(_ reading: StatementReading) {
        guard isField(reading) else {
            flushFields()
            return
        }
        fields.range = fields.range.isEmpty ? reading.statement.range : fields.range
        fields.section = reading.statement.section
        if reading.isTakenOut { fields.isTakenOut = true }
        guard reading.mentions.isEmpty,
            !reading.has(.lookalike, .organ, .normal, .absence, .history, .family, .hypothetical, .course),
            !reading.has(.negation, .negationAfter) || reading.has(.morphology)
        else { return }
        if let number = reading.numberField { fields.counts = [number] }
        let sites = reading.sites(in: Array(reading.pieces.indices), expandingRanges: false)
        if !sites.isEmpty { fields.sites = sites }
        fields.measures += reading.measures.flatMap(\.values)
        fields.shapes += reading.shapes(in: Array(reading.pieces.indices))
    }

    /// A form that was filled in to the end and never said "polyp": a place, a size, and a shape or a removal.
    private mutating func flushFields() {
        defer { fields = Self.noFields }
        guard !fields.sites.isEmpty, !fields.measures.isEmpty, fields.isTakenOut || !fields.shapes.isEmpty else { return }
        var contribution = fields
        contribution.standing = .affirmed
        if contribution.counts.isEmpty { contribution.counts = [1] }
        tally.add(contribution)
        distance = 0
    }

    /// Whether a statement without a mention goes on about the polyps of the one before.
    private func continues(_ reading: StatementReading) -> Bool {
        guard distance <= 3, let last = tally.last, last.standing == .affirmed || last.standing == .uncertain,
            last.section == reading.statement.section, reading.mentions.isEmpty,
            !reading.has(.lookalike, .organ, .normal, .absence, .history, .family, .hypothetical, .rest),
            !reading.has(.device) || !reading.measures.isEmpty || reading.isTakenOut
        else { return false }
        if last.standing == .affirmed, isField(reading), !reading.has(.negation, .negationAfter) {
            return last.sites.isEmpty && reading.has(.site) || last.measures.isEmpty && !reading.measures.isEmpty
                || last.shapes.isEmpty && reading.has(.morphology)
        }
        // "Confirmed: 7 mm, taken with the snare."
        if last.measures.isEmpty, !reading.measures.isEmpty, reading.isTakenOut, !reading.has(.site) { return true }
        if last.sites.isEmpty, reading.has(.site), reading.isTakenOut, contributionLine == reading.statement.line, distance <= 1 {
            return true
        }
        // "Six polyps in all. Caecum 3 mm. Ascending 11 mm, 4 mm.": each one of the list stands for itself.
        if last.speaksOfSeveral, last.sites.isEmpty, last.measures.isEmpty, reading.isBareList { return false }
        // "Polyp retrieved: yes. Size 5 mm."
        if last.measures.isEmpty, !reading.measures.isEmpty, distance <= 1, reading.tokens.count <= 6,
            !reading.has(.negation, .negationAfter)
        {
            return true
        }
        let saysSomething = !reading.measures.isEmpty || reading.has(.morphology, .site, .total)
        guard saysSomething, !reading.has(.negation, .negationAfter) || !reading.measures.isEmpty else { return false }
        if contributionLine == reading.statement.line, reading.has(.morphology), !reading.has(.site) { return true }
        return reading.has(.anaphor, .another, .subset, .total, .classifier)
    }

    /// `Location: sigmoid`, `Size: 5 mm`: a form that describes the polyp named above.
    private func isField(_ reading: StatementReading) -> Bool {
        reading.leadSites.isEmpty && reading.tokens.count <= 12 && reading.tokens.dropFirst().prefix(5).contains { $0.text == ":" }
    }

    private func contextSites(for reading: StatementReading, standing: StatementReading.Standing) -> [Site] {
        if reading.statement.section == .impression || reading.has(.total) { return [] }
        // "Polyps:" over a list.
        if standing == .affirmed, reading.tokens.count <= 3, reading.speaksOfMany { return [] }
        // "Polyps cannot be excluded" says so of everything.
        if standing == .uncertain, reading.measures.isEmpty, !reading.has(.anaphor), reading.speaksOfMany { return [] }
        if let last = tally.last, last.standing == .affirmed, distance <= 1, !last.sites.isEmpty {
            return last.counts.isEmpty ? [] : lastSites
        }
        return lastSites
    }

    private func confidence(of findings: Findings) -> Double {
        let affirmed = tally.contributions.filter { $0.standing == .affirmed }
        switch findings.polyp {
        case .yes:
            // Place, size, shape and removal each make a slip less likely.
            let signs = [
                !findings.sites.isEmpty && findings.sites != [.unspecified], findings.maxSizeMillimetres != nil,
                !findings.morphology.isEmpty, affirmed.contains { $0.isTakenOut }, affirmed.count > 1,
            ].filter { $0 }.count
            return min(0.98, 0.7 + 0.06 * Double(signs))
        case .uncertain: return 0.6
        case .no: return lastNegation != nil ? 0.95 : 0.85
        }
    }
}
