import Digest
import Foundation

extension ParameterSet {
    /// The set as a `.safetensors` file: the bytes under whose SHA-256 it is kept.
    ///
    /// One encoding only: fp32, tensors and keys in the order of their names without gaps, no metadata, a header
    /// without white space but the 0x20 that brings the data to a multiple of 8.
    public func encoded() -> Data { encoded(metadata: [:]) }

    /// The same with metadata in the header, which is no part of the digest.
    func encoded(metadata: [String: String]) -> Data {
        let header = encodedHeader(metadata: metadata)
        var data = Data(capacity: header.count + totalCount * MemoryLayout<Float>.size)
        data.append(header)
        for entry in entries {
            // Every processor that the program is built for is little-endian, as the format is.
            entry.values.withUnsafeBytes { data.append(contentsOf: $0) }
        }
        return data
    }

    /// The SHA-256 of `encoded()`, computed without making those bytes.
    public var digest: SHA256Digest {
        var hasher = SHA256Hasher()
        hasher.update(encodedHeader(metadata: [:]))
        for entry in entries {
            entry.values.withUnsafeBytes { hasher.update($0) }
        }
        return hasher.finalize()
    }

    /// A set read back from a `.safetensors` file that holds fp32 tensors only. Metadata is passed over.
    ///
    /// Throws `ParameterError` when the bytes break a rule of the format or hold another type of element.
    public init(decoding data: Data) throws {
        self = try data.withUnsafeBytes { bytes in
            let header = try SafetensorsHeader(parsing: bytes)
            return try ParameterSet(
                entries: header.tensors.map { tensor in
                    guard tensor.element == .float32 else {
                        throw ParameterError(
                            .unsupportedElement,
                            "tensor \(tensor.name) is \(tensor.element.safetensorsName): parameters are exchanged as F32")
                    }
                    return Entry(name: tensor.name, shape: tensor.shape, values: try header.values(of: tensor, in: bytes))
                })
        }
    }

    private func encodedHeader(metadata: [String: String]) -> Data {
        var offset = 0
        let described = entries.map { entry in
            let start = offset
            offset += entry.values.count * MemoryLayout<Float>.size
            return SafetensorsHeader.Tensor(
                name: entry.name, element: .float32, shape: entry.shape, range: start..<offset)
        }
        return SafetensorsHeader.encode(described, metadata: metadata)
    }
}
