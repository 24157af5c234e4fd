import Foundation

/// Columns of plain text.
enum TextTable {
    /// The first column to the left, the others to the right.
    static func lines(_ rows: [[String]]) -> String {
        let columns = rows.map(\.count).max() ?? 0
        let widths = (0..<columns).map { column in rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0 }
        return rows.map { row in
            row.enumerated().map { column, text in
                let padding = String(repeating: " ", count: widths[column] - text.count)
                return column == 0 ? text + padding : padding + text
            }.joined(separator: "  ")
        }.joined(separator: "\n")
    }

    static func number(_ value: Double?, digits: Int = 3) -> String {
        guard let value else { return "–" }
        return String(format: "%.\(digits)f", value)
    }

    static func number(_ value: Double?, _ interval: ConfidenceInterval?) -> String {
        guard let interval else { return number(value) }
        return "\(number(value)) (\(number(interval.lower))–\(number(interval.upper)))"
    }
}
