import Foundation

/// The bytes of a pickle, read forward; every read is checked against the end.
struct PickleSource {
    private let contents: UnsafeRawBufferPointer
    private(set) var position: Int

    init(_ contents: UnsafeRawBufferPointer, position: Int) {
        self.contents = contents
        self.position = position
    }

    func malformed(_ what: String) -> ParameterError {
        ParameterError(.malformedFile, "the pickle is malformed near byte \(position): \(what)")
    }

    private mutating func take(_ count: Int) throws -> UnsafeRawBufferPointer {
        guard count >= 0, position >= 0, count <= contents.count - position else {
            throw ParameterError(
                .truncatedFile, "the pickle ends at byte \(contents.count); \(count) more were due at byte \(position)")
        }
        defer { position += count }
        return UnsafeRawBufferPointer(rebasing: contents[position..<position + count])
    }

    mutating func byte() throws -> UInt8 { try take(1)[0] }

    mutating func bytes(_ count: Int) throws -> [UInt8] { Array(try take(count)) }

    /// A little-endian number of `size` ≤ 8 bytes.
    mutating func unsigned(_ size: Int) throws -> Int {
        let value = try take(size).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        guard let number = Int(exactly: value) else { throw malformed("a length of \(value)") }
        return number
    }

    /// A little-endian two's complement integer of `size` bytes.
    mutating func long(_ size: Int) throws -> PickleValue {
        let digits = try bytes(size)
        guard let last = digits.last else { return .integer(0) }
        guard size <= 8 else { return .bigInteger(digits) }
        let start: UInt64 = last >= 0x80 ? .max : 0
        return .integer(Int(Int64(bitPattern: digits.reversed().reduce(start) { $0 << 8 | UInt64($1) })))
    }

    mutating func bigEndianDouble() throws -> Double {
        Double(bitPattern: try take(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) })
    }

    mutating func text(_ size: Int) throws -> String {
        guard let text = String(validating: try take(size), as: UTF8.self) else {
            throw malformed("a string that is not UTF-8")
        }
        return text
    }

    /// The text up to the next line feed, which is passed.
    mutating func line() throws -> String {
        let start = position
        while try byte() != 0x0A {}
        guard let text = String(validating: contents[start..<position - 1], as: UTF8.self) else {
            throw malformed("a line that is not UTF-8")
        }
        return text
    }

    mutating func quotedLine() throws -> String {
        let line = try line()
        guard line.count >= 2, let quote = line.first, quote == line.last, quote == "'" || quote == "\"" else {
            throw malformed("a string without quotes")
        }
        return String(line.dropFirst().dropLast())
    }

    /// A decimal integer on a line of its own, with or without Python 2's "L".
    mutating func decimal() throws -> Int {
        var text = try line()
        if text.hasSuffix("L") { text.removeLast() }
        guard let number = Int(text) else { throw malformed("'\(text.prefix(40))' is no integer") }
        return number
    }

    /// Protocol 0 writes True as "01" and False as "00".
    mutating func decimalOrBool() throws -> PickleValue {
        let start = position
        switch try line() {
        case "01": return .bool(true)
        case "00": return .bool(false)
        default:
            position = start
            return .integer(try decimal())
        }
    }

    mutating func decimalFloat() throws -> Double {
        let text = try line()
        guard let number = Double(text) else { throw malformed("'\(text.prefix(40))' is no number") }
        return number
    }
}
