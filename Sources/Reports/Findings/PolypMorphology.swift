/// The shape of a polyp: the classes of Paris and Yamada folded to what reports say in words.
///
/// Paris: Is sessile, Ip pedunculated, Isp subpedunculated, IIa and IIb flat, IIc depressed.
/// The name is long because Foundation has a `Morphology`, of grammar.
///
/// Yamada: I and II sessile, III subpedunculated, IV pedunculated.
public enum PolypMorphology: String, Codable, Sendable, CaseIterable, Comparable {
    case sessile
    case subpedunculated
    case pedunculated
    case flat
    case depressed
    case lst = "LST"
    case diminutive

    private var rank: Int { Self.allCases.firstIndex(of: self) ?? Self.allCases.count }

    public static func < (left: PolypMorphology, right: PolypMorphology) -> Bool { left.rank < right.rank }
}
