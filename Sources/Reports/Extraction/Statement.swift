/// A sentence, list item or table row of a report.
struct Statement: Sendable {
    /// Its tokens.
    var range: Range<Int>
    var section: Section
    /// It stands under a header, or behind words, of stomach or another organ.
    var isUpper: Bool
    /// The line it stands in, counted over the report.
    var line: Int
    /// The first of its line.
    var opensLine: Bool
    /// The unit that the table's header names for each column, where it stands in a table.
    var columnUnits: [Int: Double]
    /// The table's column that counts the polyps of each row.
    var countColumn: Int?
}
