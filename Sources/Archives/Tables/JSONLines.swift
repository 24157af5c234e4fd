import Foundation

/// Objects of one type, one a line. A line that cannot be read becomes a `TableProblem`; the others are read.
public struct JSONLines<Record: Decodable> {
    public var records: [(line: Int, record: Record)]
    public var problems: [TableProblem]

    /// - Parameters:
    ///   - file: the file's name, for messages.
    ///   - maximumLineBytes: longer lines are a problem `too-long`, and are not decoded.
    /// - Throws: `ArchiveError.badEncoding` for UTF-16.
    public init(_ data: Data, file: String, maximumLineBytes: Int = 16 << 20) throws {
        records = []
        problems = []
        var start = data.startIndex + (try TableText.start(of: data, file: file))
        // A line feed cannot stand within JSON's strings, nor can a carriage return, with which old editors end lines.
        let lineEnd = UInt8(ascii: data.contains(UInt8(ascii: "\n")) ? "\n" : "\r")
        let decoder = JSONDecoder()
        var number = 0
        while start < data.endIndex {
            let end = data[start...].firstIndex(of: lineEnd) ?? data.endIndex
            number += 1
            let line = data[start..<end]
            start = min(end + 1, data.endIndex)
            if line.allSatisfy({ $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }) { continue }
            if line.count > maximumLineBytes {
                problems.append(
                    TableProblem(
                        code: "too-long", line: number,
                        message: "the line has \(line.count) bytes, more than \(maximumLineBytes)"))
                continue
            }
            guard String(validating: line, as: UTF8.self) != nil else {
                problems.append(
                    TableProblem(
                        code: "bad-encoding", line: number,
                        message: "the line is not UTF-8: \(TableText.conversion)"))
                continue
            }
            do {
                records.append((number, try decoder.decode(Record.self, from: Data(line))))
            } catch let error as DecodingError {
                problems.append(TableProblem(code: "bad-json", line: number, message: Self.explain(error, line)))
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

    /// Field and reason; the decoder's own text may quote the line, so it is not passed on, and neither are keys of the line.
    private static func explain(_ error: DecodingError, _ line: Data) -> String {
        switch error {
        case .keyNotFound(let key, _): return "the field `\(key.stringValue)` is missing"
        case .typeMismatch(_, let context), .valueNotFound(_, let context):
            guard let field = context.codingPath.first else { return "the line is not one JSON object" }
            return "the field `\(field.stringValue)` has another type than it should"
        default:
            let hasNoNumber = ["NaN", "Infinity"].contains { line.range(of: Data($0.utf8)) != nil }
            return "the line is not one JSON object"
                + (hasNoNumber ? ": NaN and Infinity are no JSON, write null" : "")
        }
    }
}
