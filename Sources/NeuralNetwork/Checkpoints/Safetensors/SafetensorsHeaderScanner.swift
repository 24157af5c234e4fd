/// Reads the JSON of a safetensors header, and nothing more than that header may hold.
///
/// Foundation's decoder keeps one of two equal keys silently; the format forbids them, so they must be seen.
struct SafetensorsHeaderScanner {
    struct RawTensor {
        var name: String
        var element = ""
        var shape: [Int] = []
        var start = 0
        var end = 0
    }

    struct Contents {
        var tensors: [RawTensor] = []
        var metadata: [String: String] = [:]
    }

    private let bytes: UnsafeRawBufferPointer
    private var position = 0

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    mutating func scan() throws -> Contents {
        guard bytes.first == UInt8(ascii: "{") else { throw malformed("the header does not start with '{'") }
        var contents = Contents()
        var names = Set<String>()
        try scanObject { scanner, name in
            guard names.insert(name).inserted else {
                throw ParameterError(.duplicateName, "the header names \(name) twice")
            }
            if name == "__metadata__" {
                try scanner.scanObject { scanner, key in
                    guard contents.metadata.updateValue(try scanner.scanString(), forKey: key) == nil else {
                        throw ParameterError(.duplicateName, "the header's metadata names \(key) twice")
                    }
                }
            } else {
                contents.tensors.append(try scanner.scanTensor(called: name))
            }
        }
        // Only 0x20 may pad the header: readers that are strict refuse anything else.
        while position < bytes.count {
            guard bytes[position] == 0x20 else {
                throw malformed("byte \(bytes[position]) after the JSON: only spaces (0x20) may pad it")
            }
            position += 1
        }
        return contents
    }

    private mutating func scanTensor(called name: String) throws -> RawTensor {
        var tensor = RawTensor(name: name)
        var seen = Set<String>()
        try scanObject { scanner, key in
            guard seen.insert(key).inserted else { throw scanner.malformed("tensor \(name) has '\(key)' twice") }
            switch key {
            case "dtype": tensor.element = try scanner.scanString()
            case "shape": tensor.shape = try scanner.scanIntegers()
            case "data_offsets":
                let offsets = try scanner.scanIntegers()
                guard offsets.count == 2 else { throw scanner.malformed("tensor \(name) has no two data_offsets") }
                (tensor.start, tensor.end) = (offsets[0], offsets[1])
            default: throw scanner.malformed("tensor \(name) has an unknown field '\(key)'")
            }
        }
        guard seen.count == 3 else {
            throw malformed("tensor \(name) needs dtype, shape and data_offsets; it has \(seen.sorted())")
        }
        return tensor
    }

    private mutating func scanObject(_ member: (inout Self, String) throws -> Void) throws {
        try expect("{")
        if try next() == UInt8(ascii: "}") { return position += 1 }
        while true {
            let key = try scanString()
            try expect(":")
            try member(&self, key)
            switch try next() {
            case UInt8(ascii: ","): position += 1
            case UInt8(ascii: "}"): return position += 1
            default: throw malformed("'\(Character(Unicode.Scalar(bytes[position])))' where ',' or '}' belongs")
            }
        }
    }

    private mutating func scanIntegers() throws -> [Int] {
        try expect("[")
        var numbers = [Int]()
        if try next() == UInt8(ascii: "]") {
            position += 1
            return numbers
        }
        while true {
            _ = try next()
            var number = 0
            let start = position
            while position < bytes.count, case let digit = bytes[position], digit >= 48, digit <= 57 {
                let (scaled, overflow) = number.multipliedReportingOverflow(by: 10)
                let (sum, overflow2) = scaled.addingReportingOverflow(Int(digit) - 48)
                guard !overflow, !overflow2 else { throw malformed("a number that does not fit") }
                number = sum
                position += 1
            }
            guard position > start else { throw malformed("something else where a whole number ≥ 0 belongs") }
            numbers.append(number)
            let separator = try next()
            position += 1
            if separator == UInt8(ascii: "]") { return numbers }
            guard separator == UInt8(ascii: ",") else { throw malformed("an unfinished list of numbers") }
        }
    }

    private mutating func scanString() throws -> String {
        try expect("\"")
        var text = [UInt8]()
        while position < bytes.count {
            let byte = bytes[position]
            position += 1
            switch byte {
            case UInt8(ascii: "\""):
                guard let string = String(validating: text, as: UTF8.self) else {
                    throw malformed("a name that is not UTF-8")
                }
                return string
            case UInt8(ascii: "\\"):
                guard position < bytes.count else { break }
                let escaped = bytes[position]
                position += 1
                switch escaped {
                case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(escaped)
                case UInt8(ascii: "b"): text.append(8)
                case UInt8(ascii: "f"): text.append(12)
                case UInt8(ascii: "n"): text.append(10)
                case UInt8(ascii: "r"): text.append(13)
                case UInt8(ascii: "t"): text.append(9)
                case UInt8(ascii: "u"): text += Array(String(Character(try scanEscapedScalar())).utf8)
                default: throw malformed("an unknown escape in a name")
                }
            case 0..<0x20: throw malformed("a control character in a name")
            default: text.append(byte)
            }
        }
        throw malformed("a name without end")
    }

    private mutating func scanEscapedScalar() throws -> Unicode.Scalar {
        let first = try scanHex()
        if (0xD800..<0xDC00).contains(first) {
            try expect("\\")
            try expect("u")
            let second = try scanHex()
            guard (0xDC00..<0xE000).contains(second),
                let scalar = Unicode.Scalar(0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00))
            else {
                throw malformed("half a surrogate pair in a name")
            }
            return scalar
        }
        guard let scalar = Unicode.Scalar(first) else { throw malformed("half a surrogate pair in a name") }
        return scalar
    }

    private mutating func scanHex() throws -> UInt32 {
        guard position + 4 <= bytes.count else { throw malformed("an unfinished \\u escape") }
        let digits = String(decoding: bytes[position..<position + 4], as: UTF8.self)
        guard !digits.hasPrefix("+"), !digits.hasPrefix("-"), let value = UInt32(digits, radix: 16) else {
            throw malformed("an unfinished \\u escape")
        }
        position += 4
        return value
    }

    /// The next byte that is not white space; it is not passed.
    private mutating func next() throws -> UInt8 {
        while position < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[position]) { position += 1 }
        guard position < bytes.count else { throw malformed("its JSON is not closed") }
        return bytes[position]
    }

    private mutating func expect(_ scalar: Unicode.Scalar) throws {
        guard try next() == UInt8(ascii: scalar) else { throw malformed("no '\(scalar)' at byte \(position)") }
        position += 1
    }

    private func malformed(_ what: String) -> ParameterError {
        ParameterError(.malformedFile, "the safetensors header is malformed near byte \(position): \(what)")
    }
}
