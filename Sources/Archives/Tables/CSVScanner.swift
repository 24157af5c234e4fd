/// Cuts bytes into the records of RFC 4180, one at a time.
struct CSVScanner {
    enum Content: Equatable {
        case fields([String])
        case problem(code: String, message: String)
    }

    private let bytes: [UInt8]
    private var position: Int
    private var line = 1

    private static let quote = UInt8(ascii: "\"")
    private static let comma = UInt8(ascii: ",")
    private static let lineFeed = UInt8(ascii: "\n")
    private static let carriageReturn = UInt8(ascii: "\r")

    init(bytes: [UInt8], start: Int) {
        self.bytes = bytes
        position = start
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
                while position < bytes.count, bytes[position] != Self.comma, bytes[position] != Self.lineFeed {
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
            guard let text = String(validating: field, as: UTF8.self) else {
                skipLine()
                return (
                    startLine,
                    .problem(
                        code: "bad-encoding",
                        message: "field \(fields.count + 1) is not UTF-8: convert the file, for example with "
                            + "`iconv -f GB18030 -t UTF-8`")
                )
            }
            fields.append(text)
            if position >= bytes.count { return (startLine, .fields(fields)) }
            if bytes[position] == Self.comma {
                position += 1
                continue
            }
            position += 1
            line += 1
            return (startLine, .fields(fields))
        }
    }

    /// A field in quotes, `position` left at the comma, the line feed or the end behind it; nil when the quote is broken.
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
                if position < bytes.count, bytes[position] == Self.carriageReturn { position += 1 }
                return position == bytes.count || bytes[position] == Self.comma || bytes[position] == Self.lineFeed
                    ? field : nil
            }
            if byte == Self.lineFeed { line += 1 }
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
        while position < bytes.count, bytes[position] != Self.lineFeed { position += 1 }
        if position < bytes.count {
            position += 1
            line += 1
        }
    }
}
