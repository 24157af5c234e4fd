import Foundation

/// The header of a `.safetensors` file: 8 bytes of length (little-endian), then a JSON object from tensor name to
/// element type, shape and byte range; the ranges count from the end of the header.
package struct SafetensorsHeader: Sendable, Equatable {
    package struct Tensor: Sendable, Equatable {
        package var name: String
        package var element: ElementType
        package var shape: [Int]
        /// Bytes, relative to the start of the data.
        package var range: Range<Int>

        package init(name: String, element: ElementType, shape: [Int], range: Range<Int>) {
            self.name = name
            self.element = element
            self.shape = shape
            self.range = range
        }
    }

    /// Sorted by where they lie in the file.
    package private(set) var tensors: [Tensor]
    /// Tensors of element types that are not read here (8-bit floats, complex …), each with its type.
    package private(set) var unread: [String]
    package private(set) var metadata: [String: String]
    /// Where the data starts in the file.
    package private(set) var dataStart: Int

    /// The largest header that is read, in bytes, as in the reference implementation.
    package static let sizeLimit = 100_000_000

    /// Reads and checks the header of a whole file.
    ///
    /// Throws `ParameterError`: `truncatedFile`, `malformedFile` (also for holes, overlaps and duplicate names),
    /// `unsupportedElement`.
    package init(parsing file: UnsafeRawBufferPointer) throws {
        guard file.count >= 8 else {
            throw ParameterError(
                .truncatedFile, "a safetensors file starts with 8 bytes of header length; there are \(file.count)")
        }
        let length = file.loadUnaligned(as: UInt64.self)
        guard length <= UInt64(Self.sizeLimit) else {
            throw ParameterError(
                .malformedFile,
                "the header would be \(length) bytes, more than the format's limit of \(Self.sizeLimit): "
                    + "this is not a safetensors file")
        }
        let end = 8 + Int(length)
        guard end <= file.count else {
            throw ParameterError(
                .truncatedFile, "the header should end at byte \(end), the file ends at \(file.count)")
        }
        var scanner = SafetensorsHeaderScanner(UnsafeRawBufferPointer(rebasing: file[8..<end]))
        let contents = try scanner.scan()
        metadata = contents.metadata
        dataStart = end

        var placed = [(name: String, range: Range<Int>)]()
        var tensors = [Tensor]()
        var unread = [String]()
        for raw in contents.tensors {
            guard raw.start <= raw.end else {
                throw ParameterError(
                    .malformedFile, "tensor \(raw.name) ends (\(raw.end)) before it starts (\(raw.start))")
            }
            placed.append((raw.name, raw.start..<raw.end))
            guard let element = ElementType(rawValue: raw.element) else {
                unread.append("\(raw.name) (\(raw.element))")
                continue
            }
            guard let count = ParameterSet.elementCount(of: raw.shape),
                case let (bytes, overflow) = count.multipliedReportingOverflow(by: element.size), !overflow,
                bytes == raw.end - raw.start
            else {
                throw ParameterError(
                    .malformedFile,
                    "tensor \(raw.name) of type \(raw.element) and shape \(raw.shape) does not fill its "
                        + "\(raw.end - raw.start) bytes")
            }
            tensors.append(Tensor(name: raw.name, element: element, shape: raw.shape, range: raw.start..<raw.end))
        }
        try Self.check(placed, fill: file.count - end)
        self.tensors = tensors.sorted {
            ($0.range.lowerBound, $0.range.upperBound) < ($1.range.lowerBound, $1.range.upperBound)
        }
        self.unread = unread.sorted()
    }

    /// The tensors must lie one after the other and end with the file.
    private static func check(_ placed: [(name: String, range: Range<Int>)], fill size: Int) throws {
        var position = 0
        let sorted = placed.sorted {
            ($0.range.lowerBound, $0.range.upperBound) < ($1.range.lowerBound, $1.range.upperBound)
        }
        for (name, range) in sorted {
            guard range.upperBound <= size else {
                throw ParameterError(
                    .truncatedFile, "tensor \(name) should end at byte \(range.upperBound) of the data, which has \(size)")
            }
            guard range.lowerBound == position else {
                throw ParameterError(
                    .malformedFile,
                    range.lowerBound > position
                        ? "there is a hole of \(range.lowerBound - position) bytes before tensor \(name)"
                        : "tensor \(name) overlaps the one before it by \(position - range.lowerBound) bytes")
            }
            position = range.upperBound
        }
        guard position == size else {
            throw ParameterError(.malformedFile, "\(size - position) bytes at the end of the file belong to no tensor")
        }
    }

    /// The values of one of the header's tensors, `file` being the bytes the header was parsed from.
    package func values(of tensor: Tensor, in file: UnsafeRawBufferPointer) throws -> [Float] {
        let start = dataStart + tensor.range.lowerBound
        let end = dataStart + tensor.range.upperBound
        guard start >= 0, end <= file.count else {
            throw ParameterError(.truncatedFile, "tensor \(tensor.name) ends at byte \(end), the file at \(file.count)")
        }
        return tensor.element.floats(from: UnsafeRawBufferPointer(rebasing: file[start..<end]))
    }

    /// The bytes before the data: length, JSON and padding to a multiple of 8.
    package static func encode(_ tensors: [Tensor], metadata: [String: String] = [:]) -> Data {
        var json = "{"
        if !metadata.isEmpty {
            let pairs = metadata.sorted { ParameterSet.precedes($0.key, $1.key) }
                .map { quoted($0.key) + ":" + quoted($0.value) }
            json += "\"__metadata__\":{" + pairs.joined(separator: ",") + "}"
        }
        for tensor in tensors {
            if json.utf8.count > 1 { json += "," }
            let shape = tensor.shape.map(String.init).joined(separator: ",")
            json +=
                quoted(tensor.name) + ":{\"dtype\":\"\(tensor.element.safetensorsName)\",\"shape\":[\(shape)],"
                + "\"data_offsets\":[\(tensor.range.lowerBound),\(tensor.range.upperBound)]}"
        }
        json += "}"
        json += String(repeating: " ", count: (8 - json.utf8.count % 8) % 8)
        var data = Data()
        withUnsafeBytes(of: UInt64(json.utf8.count).littleEndian) { data.append(contentsOf: $0) }
        data.append(contentsOf: json.utf8)
        return data
    }

    private static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\u{0}"..<"\u{20}":
                let hex = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}
