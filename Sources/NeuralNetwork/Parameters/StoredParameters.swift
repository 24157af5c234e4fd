import Foundation

/// Parameters that lie somewhere and are read when they are asked for, whole or tensor by tensor.
public protocol StoredParameters {
    /// All of them. Throws `ParameterError`, and what reading them throws.
    func all() throws -> ParameterSet
    /// The values of one tensor, row-major. Throws as `all()`; `missingTensors` where there is no such tensor.
    func values(of name: String) throws -> [Float]
}

extension ParameterSet: StoredParameters {
    public func all() -> ParameterSet { self }

    public func values(of name: String) throws -> [Float] {
        guard let entry = self[name] else { throw ParameterError(.missingTensors, "tensor \(name) is missing") }
        return entry.values
    }
}

/// Parameters as `.safetensors` bytes that lie somewhere. Nothing is kept here but the header.
public final class EncodedParameters: StoredParameters {
    private let whole: () throws -> Data
    private let part: (Range<Int>) throws -> Data
    private var header: SafetensorsHeader?

    /// - Parameters:
    ///   - whole: reads all bytes.
    ///   - part: reads the bytes of a range, counted from the first of all.
    public init(whole: @escaping () throws -> Data, part: @escaping (Range<Int>) throws -> Data) {
        (self.whole, self.part) = (whole, part)
    }

    public func all() throws -> ParameterSet {
        let data = try whole()
        header = try data.withUnsafeBytes { try SafetensorsHeader(parsing: $0) }
        return try ParameterSet(decoding: data)
    }

    public func values(of name: String) throws -> [Float] {
        if header == nil { _ = try all() }
        guard let header, let tensor = header.tensors.first(where: { $0.name == name }) else {
            throw ParameterError(.missingTensors, "tensor \(name) is missing")
        }
        let start = header.dataStart + tensor.range.lowerBound
        let bytes = try part(start..<start + tensor.range.count)
        guard bytes.count == tensor.range.count else {
            throw ParameterError(.truncatedFile, "tensor \(name) has \(tensor.range.count) bytes; \(bytes.count) could be read")
        }
        return bytes.withUnsafeBytes { tensor.element.floats(from: $0) }
    }
}
