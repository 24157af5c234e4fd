/// What one statement adds: its polyps, their number, places, sizes and shapes.
struct Contribution {
    var standing: StatementReading.Standing
    var section: Section
    var range: Range<Int>
    var sites: [Site] = []
    var measures: [Double] = []
    var shapes: [PolypMorphology] = []
    /// Newly counted polyps; nil for an inexact number. Empty when nothing new was counted.
    var counts: [Int?] = []
    /// A number of all polyps, said without place or size.
    var total: Int?
    /// It is called a total, not only a number beside others.
    var isTotalSaid = false
    /// "Another one": none of those before.
    var isAnother = false
    /// Suspected, with no word of where, how large or what else it may be.
    var isSuspicion = false
    /// Asked and not said.
    var isAsked = false
    /// Taken out: it was surely there.
    var isTakenOut = false
    var isMultiple = false
    /// Said to be several, not only named in the plural.
    var isIndefinite = false
    /// Taken for a polyp by its shape, without the word.
    var isImplied = false
    /// A number of several, or the plural.
    var speaksOfSeveral: Bool { isMultiple || total.map { $0 > 1 } ?? false || counts.contains { $0.map { $0 > 1 } ?? true } }
    /// Nothing but the word: a heading, or a remark about what is described elsewhere.
    var isBare: Bool {
        sites.isEmpty && measures.isEmpty && shapes.isEmpty && total == nil
            && (counts == [1] && !isTakenOut || counts == [nil] && !isIndefinite)
    }
}

/// Adds up the contributions of a report's statements.
struct Tally {
    private(set) var contributions: [Contribution] = []

    mutating func add(_ contribution: Contribution) { contributions.append(contribution) }

    /// The last contribution, as long as a later statement may speak of it.
    var last: Contribution? { contributions.last }

    mutating func updateLast(_ change: (inout Contribution) -> Void) {
        guard !contributions.isEmpty else { return }
        change(&contributions[contributions.count - 1])
    }

    mutating func removeLast() { contributions.removeLast() }

    mutating func removeAll() { contributions.removeAll() }

    /// Leaves out what is said of polyps as a whole, where they are listed one by one.
    mutating func dropHeadings() { contributions.removeAll { $0.standing == .affirmed && $0.total == nil } }

    /// Puts a size right: the wrong one where it is known, else the largest, at the sites if any were named.
    mutating func correct(_ wrong: Double?, to right: Double, at sites: [Site]) {
        let places = contributions.indices.filter { index in
            sites.isEmpty || contributions[index].sites.contains { sites.contains($0) }
        }
        let wrong = wrong ?? places.flatMap { contributions[$0].measures }.max()
        for index in places {
            contributions[index].measures = contributions[index].measures.map { $0 == wrong ? right : $0 }
        }
    }

    /// Whether anything was counted so far.
    var hasCounted: Bool { contributions.contains { !$0.counts.isEmpty && $0.standing == .affirmed } }

    func knows(site: Site) -> Bool { contributions.contains { $0.standing == .affirmed && $0.sites.contains(site) } }

    func knows(sites: [Site], measures: [Double]) -> Bool {
        contributions.contains { contribution in
            contribution.standing == .affirmed && sites.allSatisfy { contribution.sites.contains($0) }
                && measures.allSatisfy { contribution.measures.contains($0) }
        }
    }

    /// The findings; evidence and confidence are the caller's.
    func findings() -> (findings: Findings, evidence: Range<Int>?) {
        let body = contributions.filter { $0.section != .impression }
        let impression = contributions.filter { $0.section == .impression }
        for standing in [StatementReading.Standing.affirmed, .uncertain] {
            let seen = body.filter { $0.standing == standing }
            let concluded = impression.filter { $0.standing == standing }
            guard let first = seen.first ?? concluded.first else { continue }
            let main = seen.isEmpty ? concluded : seen
            // A doubtful lesion first met as something raised keeps its place and size.
            let raised = standing == .uncertain && seen.isEmpty ? body.filter { $0.standing == .weak } : []
            return (Self.sum(main + raised, concluded: concluded, isCertain: standing == .affirmed), first.range)
        }
        return (Findings(polyp: .no, count: 0, confidence: 0.9), nil)
    }

    private static func sum(_ main: [Contribution], concluded: [Contribution], isCertain: Bool) -> Findings {
        var sites = Set(main.flatMap(\.sites))
        if sites.isEmpty { sites = Set(concluded.flatMap(\.sites)) }
        if sites.isEmpty, isCertain { sites = [.unspecified] }
        var shapes = Set(main.flatMap(\.shapes))
        if shapes.isEmpty { shapes = Set(concluded.flatMap(\.shapes)) }
        let size = main.flatMap(\.measures).max() ?? concluded.flatMap(\.measures).max()
        return Findings(
            polyp: isCertain ? .yes : .uncertain, count: isCertain ? count(main, concluded: concluded) : nil,
            sites: sites.sorted(), maxSizeMillimetres: size, morphology: shapes.sorted(),
            confidence: isCertain ? 0.9 : 0.6)
    }

    /// "A rectal polyp. … The polyp measures 9 mm": named first, described later; one, not two.
    private static func isNamedOnly(_ index: Int, in main: [Contribution]) -> Bool {
        let first = main[index]
        guard first.counts == [1], first.total == nil, first.measures.isEmpty, first.shapes.isEmpty else { return false }
        return main.dropFirst(index + 1).prefix(3).contains { later in
            later.counts == [1] && !later.isAnother && !later.measures.isEmpty && later.measures.count == 1
                && (first.sites.isEmpty && !first.isAnother && main.count == 2
                    || !first.isTakenOut && !first.sites.isEmpty && first.sites == later.sites)
        }
    }

    private static func count(_ main: [Contribution], concluded: [Contribution]) -> Int? {
        let main = main.indices.filter { !isNamedOnly($0, in: main) }.map { main[$0] }
        let described = main.filter { !$0.isBare }
        let counts = (described.isEmpty ? main : described).flatMap(\.counts)
        let total = main.compactMap(\.total).max()
        var sum = counts.reduce(Int?(0)) { sum, next in next.flatMap { value in sum.map { $0 + value } } }
        if counts.isEmpty { sum = main.contains { $0.isMultiple } ? nil : 1 }
        let said = main.filter(\.isTotalSaid).compactMap(\.total).max()
        if let total, said != nil || total >= (sum ?? 0) || counts.isEmpty { sum = said ?? total }
        let conclusion = concluded.compactMap(\.total).max()
        if let conclusion, conclusion > (sum ?? 1) { return conclusion }
        return sum
    }
}
