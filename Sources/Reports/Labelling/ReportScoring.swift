/// How well findings agree with the truth: label by language, opposites, sites, count, size, morphology.
public struct ReportScoring: Sendable {
    /// Right ones of all.
    public struct Share: Sendable, Equatable {
        public var right = 0
        public var all = 0
        public var value: Double { all == 0 ? 1 : Double(right) / Double(all) }

        mutating func count(_ isRight: Bool) {
            all += 1
            if isRight { right += 1 }
        }
    }

    /// Members of sets: found and true, found and not, true and not found.
    public struct Overlap: Sendable, Equatable {
        public var hits = 0
        public var wrong = 0
        public var missed = 0
        public var precision: Double { hits + wrong == 0 ? 1 : Double(hits) / Double(hits + wrong) }
        public var recall: Double { hits + missed == 0 ? 1 : Double(hits) / Double(hits + missed) }
        /// Twice the hits by all named on either side.
        public var f1: Double { hits + wrong + missed == 0 ? 1 : Double(2 * hits) / Double(2 * hits + wrong + missed) }

        mutating func count<Member: Hashable>(_ found: [Member], truth: [Member]) {
            let found = Set(found)
            let truth = Set(truth)
            hits += found.intersection(truth).count
            wrong += found.subtracting(truth).count
            missed += truth.subtracting(found).count
        }
    }

    public private(set) var label = Share()
    public private(set) var labelByLanguage: [Language: Share] = [:]
    /// Yes read as no, or no as yes.
    public private(set) var opposites = Share()
    public private(set) var sites = Overlap()
    public private(set) var count = Share()
    public private(set) var size = Share()
    public private(set) var morphology = Overlap()

    public init() {}

    /// Adds one report. `truth`'s confidence and evidence are not looked at.
    public mutating func add(_ found: Findings, truth: Findings, language: Language?) {
        let isRight = found.polyp == truth.polyp
        label.count(isRight)
        if let language { labelByLanguage[language, default: Share()].count(isRight) }
        opposites.count(Set([found.polyp, truth.polyp]) == [.yes, .no])
        sites.count(found.sites, truth: truth.sites)
        count.count(found.count == truth.count)
        size.count(Self.isSame(found.maxSizeMillimetres, truth.maxSizeMillimetres))
        morphology.count(found.morphology, truth: truth.morphology)
    }

    private static func isSame(_ left: Double?, _ right: Double?) -> Bool {
        switch (left, right) {
        case (nil, nil): true
        case (let left?, let right?): abs(left - right) < 0.051
        default: false
        }
    }

    /// The scores as lines of text.
    public var lines: [String] {
        func percent(_ value: Double) -> String {
            let tenths = Int((value * 1000).rounded())
            return "\(tenths / 10).\(tenths % 10) %"
        }
        var lines = ["label        \(percent(label.value))  (\(label.right) of \(label.all))"]
        for language in Language.allCases {
            guard let share = labelByLanguage[language] else { continue }
            lines.append("  \(language.rawValue)         \(percent(share.value))  (\(share.right) of \(share.all))")
        }
        lines.append("opposites    \(percent(opposites.value))  (\(opposites.right) of \(opposites.all))")
        lines.append("sites        F1 \(percent(sites.f1)), precision \(percent(sites.precision)), recall \(percent(sites.recall))")
        lines.append("count        \(percent(count.value))")
        lines.append("size         \(percent(size.value))")
        lines.append("morphology   F1 \(percent(morphology.f1))")
        return lines
    }
}
