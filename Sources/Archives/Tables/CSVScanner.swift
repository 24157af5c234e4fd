/// Cuts bytes into the records of RFC 4180, one at a time, whatever separates the fields.
struct CSVScanner {
    enum Content: Equatable {
        case fields([String])
        case problem(code: String, message: String)
    }

    private let bytes: [UInt8]
    private var position: Int
    private var line: Int
    private let separator: UInt8
    /// What ends a record: a line feed, or a carriage return in tables of old spreadsheets.
    private let lineEnd: UInt8

    private static let quote = UInt8(ascii: "\"")
    private static let lineFeed = UInt8(ascii: "\n")
    private static let carriageReturn = UInt8(ascii: "\r")

    init(bytes: [UInt8], start: Int, line: Int = 1, separator: UInt8 = UInt8(ascii: ",")) {
        self.bytes = bytes
        self.line = line
        self.separator = separator
        position = start
        lineEnd = Self.lineEnd(of: bytes, from: start)
    }

    /// The first break outside of quotes decides: with carriage returns alone, line feeds can only stand within fields.
    private static func lineEnd(of bytes: [UInt8], from start: Int) -> UInt8 {
        var isQuoted = false
        for place in bytes.indices.dropFirst(start) {
            switch bytes[place] {
            case quote: isQuoted.toggle()
            case lineFeed where !isQuoted: return lineFeed
            case carriageReturn where !isQuoted:
                let isPair = place + 1 < bytes.count && bytes[place + 1] == lineFeed
                return isPair || place + 1 == bytes.count ? lineFeed : carriageReturn
            default: break
            }
        }
        return lineFeed
    }

    /// The next record and the line on which it begins; nil at the end.
    mutating func next() -> (line: Int, content: Content)? {
        guard position < bytes.count else { return nil }
        let (startLine, startPosition) = (line, position)
        var fields = [String]()
        while true {
            let field: [UInt8]
            if position < bytes.count, bytes[position] == Self.quote {
                guard let quoted = quotedField() else {
                    return (startLine, resume(after: startPosition, line: startLine))
                }
                field = quoted
            } else {
                let start = position
                while position < bytes.count, bytes[position] != separator, bytes[position] != lineEnd {
                    if bytes[position] == Self.quote {
                        return (startLine, resume(after: startPosition, line: startLine))
                    }
                    position += 1
                }
                var end = position
                if end > start, end == bytes.count || bytes[end] == Self.lineFeed,
                    bytes[end - 1] == Self.carriageReturn
                {
                    end -= 1
                }
                field = Array(bytes[start..<end])
            }
            guard let text = String(validating: field, as: UTF8.self), !field.contains(0) else {
                skipLine()
                return (
                    startLine,
                    .problem(
                        code: "bad-encoding",
                        message: "field \(fields.count + 1) is not UTF-8, or holds a zero byte: \(TableText.conversion)")
                )
            }
            fields.append(text)
            if position >= bytes.count { return (startLine, .fields(fields)) }
            if bytes[position] == separator {
                position += 1
                continue
            }
            position += 1
            line += 1
            return (startLine, .fields(fields))
        }
    }

    /// A field in quotes, `position` left at the separator, the record's end or the file's behind it; nil when the quote is
    /// broken.
    private mutating func quotedField() -> [UInt8]? {
        position += 1
        var field = [UInt8]()
        while position < bytes.count {
            let byte = bytes[position]
            if byte == Self.quote {
                position += 1
                if position < bytes.count, bytes[position] == Self.quote {
                    field.append(byte)
                    position += 1
                    continue
                }
                if lineEnd == Self.lineFeed, position < bytes.count, bytes[position] == Self.carriageReturn { position += 1 }
                return position == bytes.count || bytes[position] == separator || bytes[position] == lineEnd ? field : nil
            }
            if byte == Self.lineFeed || byte == lineEnd { line += 1 }
            field.append(byte)
            position += 1
        }
        return nil
    }

    /// After a broken quote only the line breaks can be trusted: goes on with the line after the one that began the record.
    private mutating func resume(after start: Int, line startLine: Int) -> Content {
        position = start
        line = startLine
        skipLine()
        return .problem(
            code: "broken-quote",
            message: "a quote is not closed, or stands inside a field: put the field in quotes and double those within")
    }

    private mutating func skipLine() {
        while position < bytes.count, bytes[position] != lineEnd { position += 1 }
        if position < bytes.count {
            position += 1
            line += 1
        }
    }
}
