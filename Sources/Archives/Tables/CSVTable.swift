import Foundation

/// A table with a header, read from comma-separated values (RFC 4180): quoted fields with commas, quotes and line breaks,
/// LF, CRLF or CR, with or without a UTF-8 byte-order mark. Semicolons, tabs and bars separate as well (`Separator`), and
/// what spreadsheets leave behind is taken: a line `sep=;`, columns without a name, empty rows, the apostrophe before a
/// cell that would be a formula. Column names count in lower case, with `_` for spaces and hyphens.
///
/// A row that cannot be read becomes a `TableProblem`, and reading goes on with the next line. No message quotes a cell; a
/// table without a header has its first patient there.
public struct CSVTable: Sendable {
    /// Names by place, without those at the end that are empty.
    public var columns: [String]
    public var rows: [Row]
    public var problems: [TableProblem]
    /// What separates the fields.
    public let separator: Separator
    /// The line on which the header stands, from 1.
    public let headerLine: Int

    /// What can separate fields.
    public enum Separator: String, Sendable, CaseIterable {
        case comma, semicolon, tab, bar

        var byte: UInt8 {
            switch self {
            case .comma: UInt8(ascii: ",")
            case .semicolon: UInt8(ascii: ";")
            case .tab: UInt8(ascii: "\t")
            case .bar: UInt8(ascii: "|")
            }
        }
    }

    public struct Row: Sendable {
        /// The physical line, from 1, on which the row begins.
        public var line: Int
        /// By column name. An empty field is an empty string.
        public var fields: [String: String]

        /// The field without surrounding white space; nil when the column is absent or the field is empty.
        public subscript(column: String) -> String? {
            guard let text = fields[column]?.trimmingCharacters(in: .whitespacesAndNewlines), !text.isEmpty else {
                return nil
            }
            return text
        }
    }

    /// - Parameter file: the file's name, for messages.
    /// - Throws: `ArchiveError` when there is no header or it is not UTF-8; problems of rows are kept in `problems`.
    public init(_ data: Data, file: String, maximumFieldBytes: Int = 64 << 20) throws {
        let bytes = [UInt8](data)
        var start = try TableText.start(of: data, file: file)
        problems = []
        rows = []
        guard start < bytes.count else { throw ArchiveError(.badTable, "\(file) is empty: it needs a header") }
        let told = Self.separatorLine(bytes, start)
        start = told?.end ?? start
        headerLine = told == nil ? 1 : 2
        let separator = told?.separator ?? Self.separator(ofHeaderIn: bytes, start)
        self.separator = separator
        var scanner = CSVScanner(bytes: bytes, start: start, line: headerLine, separator: separator.byte)
        guard let first = scanner.next() else { throw ArchiveError(.badTable, "\(file) is empty: it needs a header") }
        guard case .fields(let header) = first.content else {
            throw ArchiveError(
                .badTable, "\(file), line \(headerLine): the header has a broken quote or is not UTF-8; \(TableText.conversion)")
        }
        var names = header.map(Self.name)
        while names.last?.isEmpty == true { names.removeLast() }
        columns = names
        let places = Dictionary(grouping: columns.indices.filter { !names[$0].isEmpty }, by: { names[$0] })
        if let twice = places.values.filter({ $0.count > 1 }).min(by: { $0[0] < $1[0] }) {
            throw ArchiveError(
                .badTable,
                "\(file), line \(headerLine): columns \(twice[0] + 1) and \(twice[1] + 1) have the same name, or there is no header")
        }
        while let record = scanner.next() {
            switch record.content {
            case .problem(let code, let message):
                problems.append(TableProblem(code: code, line: record.line, message: message))
            case .fields(let fields):
                // Empty rows, and those of separators alone, are what a spreadsheet adds at its end.
                if fields.allSatisfy({ $0.allSatisfy(\.isWhitespace) }), fields.count > 1 || fields == [""] { continue }
                guard fields.count >= columns.count, fields[columns.count...].allSatisfy({ $0.allSatisfy(\.isWhitespace) })
                else {
                    problems.append(
                        TableProblem(
                            code: "wrong-field-count", line: record.line,
                            message: "the row has \(fields.count) fields, the header \(columns.count) "
                                + "(separated by \(separator.rawValue)): quote fields that hold separators or line breaks"))
                    continue
                }
                var row: [String: String] = [:]
                for (name, field) in zip(columns, fields) where !name.isEmpty { row[name] = Self.plain(field) }
                rows.append(Row(line: record.line, fields: row))
            }
        }
    }

    /// - Throws: `ArchiveError.unreadable`, or what `init(_:file:)` throws.
    public init(contentsOf url: URL, file: String? = nil) throws {
        let name = file ?? url.lastPathComponent
        let data: Data
        do { data = try Data(contentsOf: url, options: .mappedIfSafe) } catch {
            throw ArchiveError(.unreadable, "\(name) cannot be read: is it there, and may this user read it?")
        }
        try self.init(data, file: name)
    }

    /// Throws when a column is missing. The header itself is not quoted: it may be a row.
    public func require(_ wanted: [String], file: String) throws {
        let missing = wanted.filter { !columns.contains($0) }
        guard missing.isEmpty else {
            let count = columns.count == 1 ? "1 column" : "\(columns.count) columns separated by \(separator.rawValue)"
            throw ArchiveError(
                .badTable,
                "\(file), line \(headerLine), lacks the column \(missing.joined(separator: ", ")); it has \(count)"
                    + (missing.count == wanted.count
                        ? ": is there a header? Make the first line \(wanted.joined(separator: ","))" : ""))
        }
    }

    /// A column's name as it is looked up.
    private static func name(_ cell: String) -> String {
        String(
            cell.trimmingCharacters(in: .whitespacesAndNewlines).lowercased().map { $0 == " " || $0 == "-" ? "_" : $0 })
    }

    /// The cell without the apostrophe that keeps spreadsheets from running it: our own results have it.
    private static func plain(_ cell: String) -> String {
        guard cell.hasPrefix("'"), let second = cell.dropFirst().first, "=+-@\t\r".contains(second) else { return cell }
        return String(cell.dropFirst())
    }

    /// The line `sep=;` with which spreadsheets are told what separates; where the next begins.
    private static func separatorLine(_ bytes: [UInt8], _ start: Int) -> (separator: Separator, end: Int)? {
        let line = bytes[start...].prefix { $0 != UInt8(ascii: "\n") && $0 != UInt8(ascii: "\r") }
        let text = line.filter { $0 != UInt8(ascii: "\"") }
        guard text.count == 5, String(decoding: text.prefix(4), as: UTF8.self).lowercased() == "sep=",
            let separator = Separator.allCases.first(where: { $0.byte == text.last })
        else { return nil }
        var end = line.endIndex
        if end < bytes.count, bytes[end] == UInt8(ascii: "\r") { end += 1 }
        if end < bytes.count, bytes[end] == UInt8(ascii: "\n") { end += 1 }
        return (separator, end)
    }

    /// What cuts the header into most named columns.
    private static func separator(ofHeaderIn bytes: [UInt8], _ start: Int) -> Separator {
        let head = Array(bytes[start...].prefix(1 << 16))
        var best = (separator: Separator.comma, columns: 0)
        for separator in Separator.allCases {
            var scanner = CSVScanner(bytes: head, start: 0, separator: separator.byte)
            guard case .fields(let fields)? = scanner.next()?.content else { continue }
            let count = fields.count { $0.contains { !$0.isWhitespace } }
            if count > best.columns { best = (separator, count) }
        }
        return best.separator
    }
}
