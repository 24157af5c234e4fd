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
        if data.starts(with: [0xFF, 0xFE]) || data.starts(with: [0xFE, 0xFF]) {
            throw ArchiveError(.badEncoding, "\(file) is UTF-16: save it as UTF-8")
        }
        let decoder = JSONDecoder()
        var start = data.startIndex + (data.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0)
        var number = 0
        while start < data.endIndex {
            let end = data[start...].firstIndex(of: UInt8(ascii: "\n")) ?? data.endIndex
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
                        message: "the line is not UTF-8: convert the file, for example with `iconv -f GB18030 -t UTF-8`"))
                continue
            }
            do {
                records.append((number, try decoder.decode(Record.self, from: Data(line))))
            } catch let error as DecodingError {
                problems.append(TableProblem(code: "bad-json", line: number, message: Self.explain(error)))
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

    /// Field and reason; the decoder's own text may quote the line, so it is not passed on.
    private static func explain(_ error: DecodingError) -> String {
        switch error {
        case .keyNotFound(let key, _): "the field `\(key.stringValue)` is missing"
        case .typeMismatch(_, let context), .valueNotFound(_, let context):
            "the field `\(context.codingPath.map(\.stringValue).joined(separator: "."))` has another type than it should"
        default: "the line is not one JSON object"
        }
    }
}
