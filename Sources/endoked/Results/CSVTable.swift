import Foundation

/// A table as RFC 4180 wants it, but with plain line feeds.
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

    private static func quoted(_ field: String) -> String {
        guard field.contains(where: { $0 == "," || $0 == "\"" || $0.isNewline }) else { return field }
        return "\"" + field.replacing("\"", with: "\"\"") + "\""
    }
}
