import Foundation

/// A table as RFC 4180 wants it, but with plain line feeds, and harmless in a spreadsheet: a cell that would be a formula
/// there (it begins with `=`, `+`, `-`, `@`, a tab or a carriage return, and is no number) has an apostrophe before it. The
/// archive's reader takes the apostrophe away again.
struct CSVTable {
    private var text: String

    init(_ heading: [String]) { text = heading.joined(separator: ",") + "\n" }

    mutating func append(_ fields: [String]) {
        text += fields.map(Self.quoted).joined(separator: ",") + "\n"
    }

    var data: Data { Data(text.utf8) }

    /// The shortest digits that read back as the same number.
    static func number(_ value: Double) -> String {
        value == value.rounded() && abs(value) < 1e15 ? String(Int64(value)) : "\(value)"
    }

    private static func quoted(_ cell: String) -> String {
        let field = isFormula(cell) ? "'" + cell : cell
        guard field.contains(where: { $0 == "," || $0 == "\"" || $0 == "\t" || $0.isNewline }) else { return field }
        return "\"" + field.replacing("\"", with: "\"\"") + "\""
    }

    private static func isFormula(_ cell: String) -> Bool {
        guard let first = cell.unicodeScalars.first, "=+-@\t\r".unicodeScalars.contains(first) else { return false }
        let isNumber = cell.allSatisfy { $0.isASCII && ($0.isNumber || "+-.eE".contains($0)) } && Double(cell) != nil
        return !isNumber
    }
}
