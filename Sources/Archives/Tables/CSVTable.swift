import Foundation

/// A table with a header, read from comma-separated values (RFC 4180): quoted fields with commas, quotes and line breaks,
/// LF or CRLF, with or without a UTF-8 byte-order mark.
///
/// A row that cannot be read becomes a `TableProblem`, and reading goes on with the next line.
public struct CSVTable: Sendable {
    public var columns: [String]
    public var rows: [Row]
    public var problems: [TableProblem]

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
        if bytes.starts(with: [0xFF, 0xFE]) || bytes.starts(with: [0xFE, 0xFF]) {
            throw ArchiveError(.badEncoding, "\(file) is UTF-16: save it as UTF-8")
        }
        var scanner = CSVScanner(bytes: bytes, start: bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0)
        problems = []
        rows = []
        guard let first = scanner.next() else { throw ArchiveError(.badTable, "\(file) is empty: it needs a header") }
        guard case .fields(let header) = first.content else {
            throw ArchiveError(.badTable, "\(file): the header has a broken quote or is not UTF-8")
        }
        columns = header.map { $0.trimmingCharacters(in: .whitespacesAndNewlines) }
        if let twice = Dictionary(grouping: columns, by: { $0 }).first(where: { $1.count > 1 })?.key {
            throw ArchiveError(.badTable, "\(file): the column `\(twice)` is there twice")
        }
        while let record = scanner.next() {
            switch record.content {
            case .problem(let code, let message):
                problems.append(TableProblem(code: code, line: record.line, message: message))
            case .fields(let fields):
                if fields == [""] { continue }
                guard fields.count == columns.count else {
                    problems.append(
                        TableProblem(
                            code: "wrong-field-count", line: record.line,
                            message: "the row has \(fields.count) fields, the header \(columns.count): "
                                + "quote fields that hold commas or line breaks"))
                    continue
                }
                rows.append(Row(line: record.line, fields: Dictionary(uniqueKeysWithValues: zip(columns, fields))))
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

    /// Throws when a column is missing.
    public func require(_ wanted: [String], file: String) throws {
        let missing = wanted.filter { !columns.contains($0) }
        guard missing.isEmpty else {
            throw ArchiveError(
                .badTable,
                "\(file) lacks the column \(missing.joined(separator: ", ")); it has \(columns.joined(separator: ", "))")
        }
    }
}
