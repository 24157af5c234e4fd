/// Whether this examination found a polyp in the large bowel (or the terminal ileum).
///
/// History, scars, pseudopolyps of colitis, masses, and polyps of stomach or duodenum do not count.
public enum PolypStatus: String, Codable, Sendable, CaseIterable {
    case yes
    case no
    /// The report itself leaves it open; such studies are kept out of training and counted.
    case uncertain

    /// The bag label of the multiple-instance stages: 1, 0, or nil for a report that is set aside.
    public var bagLabel: Int? {
        switch self {
        case .yes: 1
        case .no: 0
        case .uncertain: nil
        }
    }
}
