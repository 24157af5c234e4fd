/// The sentence of a report on which a finding rests.
///
/// Offset and length count Unicode scalars (code points), as Python and most JSON consumers count characters, so that
/// the span can be kept and sent without the report's text.
public struct EvidenceSpan: Codable, Sendable, Equatable {
    /// Unicode scalars before the sentence.
    public var offset: Int
    /// Unicode scalars in the sentence.
    public var length: Int

    public init(offset: Int, length: Int) {
        self.offset = offset
        self.length = length
    }

    /// The sentence itself; nil when the span does not lie within `report`.
    public func text(in report: String) -> String? {
        let scalars = report.unicodeScalars
        guard offset >= 0, length >= 0,
            let start = scalars.index(scalars.startIndex, offsetBy: offset, limitedBy: scalars.endIndex),
            let end = scalars.index(start, offsetBy: length, limitedBy: scalars.endIndex)
        else { return nil }
        return String(scalars[start..<end])
    }
}
