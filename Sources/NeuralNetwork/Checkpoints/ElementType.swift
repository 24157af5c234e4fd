/// How the numbers of a tensor lie in a checkpoint file. In memory they become `Float`.
package enum ElementType: String, Sendable, CaseIterable {
    case float64 = "F64"
    case float32 = "F32"
    case float16 = "F16"
    case bfloat16 = "BF16"
    case int64 = "I64"
    case int32 = "I32"
    case int16 = "I16"
    case int8 = "I8"
    case uint64 = "U64"
    case uint32 = "U32"
    case uint16 = "U16"
    case uint8 = "U8"
    case bool = "BOOL"

    package var safetensorsName: String { rawValue }

    package var size: Int {
        switch self {
        case .float64, .int64, .uint64: 8
        case .float32, .int32, .uint32: 4
        case .float16, .bfloat16, .int16, .uint16: 2
        case .int8, .uint8, .bool: 1
        }
    }

    /// `bytes` (little-endian, not necessarily aligned) as `Float`s, rounded to nearest where they are wider.
    package func floats(from bytes: UnsafeRawBufferPointer) -> [Float] {
        let count = bytes.count / size
        return [Float](unsafeUninitializedCapacity: count) { buffer, filled in
            if self == .float32 {
                UnsafeMutableRawBufferPointer(buffer).copyMemory(
                    from: UnsafeRawBufferPointer(rebasing: bytes[0..<count * 4]))
            } else {
                for index in 0..<count { buffer[index] = float(in: bytes, at: index) }
            }
            filled = count
        }
    }

    /// The element `index` of `bytes`.
    @inline(__always)
    package func float(in bytes: UnsafeRawBufferPointer, at index: Int) -> Float {
        let offset = index * size
        switch self {
        case .float64: return Float(bytes.loadUnaligned(fromByteOffset: offset, as: Double.self))
        case .float32: return bytes.loadUnaligned(fromByteOffset: offset, as: Float.self)
        case .float16: return Float(bytes.loadUnaligned(fromByteOffset: offset, as: Float16.self))
        case .bfloat16:
            return Float(bitPattern: UInt32(bytes.loadUnaligned(fromByteOffset: offset, as: UInt16.self)) << 16)
        case .int64: return Float(bytes.loadUnaligned(fromByteOffset: offset, as: Int64.self))
        case .int32: return Float(bytes.loadUnaligned(fromByteOffset: offset, as: Int32.self))
        case .int16: return Float(bytes.loadUnaligned(fromByteOffset: offset, as: Int16.self))
        case .int8: return Float(bytes.loadUnaligned(fromByteOffset: offset, as: Int8.self))
        case .uint64: return Float(bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
        case .uint32: return Float(bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
        case .uint16: return Float(bytes.loadUnaligned(fromByteOffset: offset, as: UInt16.self))
        case .uint8: return Float(bytes[offset])
        case .bool: return bytes[offset] == 0 ? 0 : 1
        }
    }
}
