/// Where in the bowel a polyp sits, from oral to aboral.
public enum Site: String, Codable, Sendable, CaseIterable, Comparable {
    case terminalIleum = "terminal ileum"
    case ileocecalValve = "ileocecal valve"
    case cecum
    case ascending
    case hepaticFlexure = "hepatic flexure"
    case transverse
    case splenicFlexure = "splenic flexure"
    case descending
    case sigmoid
    case rectum
    case anastomosis
    /// Somewhere in the colon: the report does not say where.
    case unspecified

    private var rank: Int { Self.allCases.firstIndex(of: self) ?? Self.allCases.count }

    public static func < (left: Site, right: Site) -> Bool { left.rank < right.rank }

    /// The segments of the colon from `first` to `last`, both included, whichever is the more oral.
    /// Empty when either is not a segment of the way from cecum to rectum.
    static func range(from first: Site, to last: Site) -> [Site] {
        let way: [Site] = [
            .cecum, .ascending, .hepaticFlexure, .transverse, .splenicFlexure, .descending, .sigmoid, .rectum,
        ]
        guard let start = way.firstIndex(of: first), let end = way.firstIndex(of: last) else { return [] }
        return Array(way[min(start, end)...max(start, end)])
    }
}
