import Foundation

/// One line of `reports.jsonl`.
struct ReportLine {
    var key: ReportLabeller.Key?
    var text: String?
    var language: Language?
    /// What the line says the findings are, where it does.
    var truth: Findings?

    /// - Throws: `malformedLine`, naming the line and what is wrong, never its content.
    init(_ line: Data, number: Int) throws {
        guard String(validating: line, as: UTF8.self) != nil else {
            throw ReportsError(.malformedLine, "line \(number) is not valid UTF-8: save the file as UTF-8")
        }
        guard let object = try? JSONSerialization.jsonObject(with: line) as? [String: Any] else {
            throw ReportsError(.malformedLine, "line \(number) is not a JSON object")
        }
        for name in ["id", "study"] where key == nil {
            if let value = object[name] as? String {
                key = ReportLabeller.Key(name: name, value: value)
            } else if let value = object[name] as? Int {
                key = ReportLabeller.Key(name: name, value: String(value))
            }
        }
        text = object["text"] as? String
        if let code = object["language"] as? String { language = Language(rawValue: String(code.lowercased().prefix(2))) }
        truth = Self.truth(in: object)
    }

    private static func truth(in object: [String: Any]) -> Findings? {
        guard let polyp = (object["polyp"] as? String).flatMap(PolypStatus.init(rawValue:)) else { return nil }
        return Findings(
            polyp: polyp, count: object["count"] as? Int,
            sites: (object["sites"] as? [String] ?? []).compactMap(Site.init(rawValue:)),
            maxSizeMillimetres: (object["max_size_mm"] as? NSNumber)?.doubleValue,
            morphology: (object["morphology"] as? [String] ?? []).compactMap(PolypMorphology.init(rawValue:)), confidence: 1)
    }
}

/// Lines of a file, one at a time, a block in memory.
struct LineReader {
    enum Line {
        case line(Data)
        /// Longer than allowed: skipped, with its number of bytes.
        case tooLong(bytes: Int)
    }

    private static let block = 1 << 16

    private let file: FileHandle
    private let longest: Int
    private var buffer = Data()
    /// Where the unread part of the buffer begins.
    private var start = 0
    private var isAtEnd = false
    /// The number of the line last read, from 1.
    private(set) var number = 0

    init(_ file: FileHandle, longest: Int) {
        self.file = file
        self.longest = longest
    }

    mutating func next() throws -> Line? {
        var skipped = 0
        var searched = start
        while true {
            if let newline = buffer[searched...].firstIndex(of: 0x0A) {
                let line = Data(buffer[start..<newline])
                start = newline + 1
                number += 1
                return skipped > 0 || line.count > longest ? .tooLong(bytes: skipped + line.count) : .line(line)
            }
            buffer = Data(buffer[start...])
            start = 0
            searched = buffer.count
            if isAtEnd {
                guard !buffer.isEmpty || skipped > 0 else { return nil }
                defer { buffer = Data() }
                number += 1
                return skipped > 0 || buffer.count > longest ? .tooLong(bytes: skipped + buffer.count) : .line(buffer)
            }
            if buffer.count > longest {
                skipped += buffer.count
                buffer = Data()
                searched = 0
            }
            guard let more = try file.read(upToCount: Self.block), !more.isEmpty else {
                isAtEnd = true
                continue
            }
            buffer.append(more)
        }
    }
}
