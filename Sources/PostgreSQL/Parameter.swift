import Foundation

/// A value sent to PostgreSQL beside the statement, never within it; in binary, with its type.
public struct Parameter: Sendable {
    /// The type's number in pg_type.
    let type: UInt32
    /// The binary form, in network order; nil is NULL.
    let bytes: [UInt8]?

    public static func bool(_ value: Bool?) -> Parameter {
        Parameter(type: TypeNumber.bool, bytes: value.map { [$0 ? 1 : 0] })
    }

    public static func int4(_ value: Int32?) -> Parameter {
        Parameter(type: TypeNumber.int4, bytes: value.map { networkOrder(of: $0) })
    }

    public static func int8(_ value: Int64?) -> Parameter {
        Parameter(type: TypeNumber.int8, bytes: value.map { networkOrder(of: $0) })
    }

    public static func float8(_ value: Double?) -> Parameter {
        Parameter(type: TypeNumber.float8, bytes: value.map { networkOrder(of: $0.bitPattern) })
    }

    public static func text(_ value: String?) -> Parameter {
        Parameter(type: TypeNumber.text, bytes: value.map { Array($0.utf8) })
    }

    public static func bytea(_ value: (some Sequence<UInt8>)?) -> Parameter {
        Parameter(type: TypeNumber.bytea, bytes: value.map { Array($0) })
    }

    /// JSON text, kept byte for byte in a `json` column.
    public static func json(_ value: Data?) -> Parameter {
        Parameter(type: TypeNumber.json, bytes: value.map { Array($0) })
    }

    public static func bools(_ values: [Bool]) -> Parameter {
        array(of: TypeNumber.bool, type: TypeNumber.boolArray, values.map { [$0 ? 1 : 0] })
    }

    public static func int4s(_ values: [Int32]) -> Parameter {
        array(of: TypeNumber.int4, type: TypeNumber.int4Array, values.map { networkOrder(of: $0) })
    }

    public static func int8s(_ values: [Int64]) -> Parameter {
        array(of: TypeNumber.int8, type: TypeNumber.int8Array, values.map { networkOrder(of: $0) })
    }

    public static func float8s(_ values: [Double?]) -> Parameter {
        array(
            of: TypeNumber.float8, type: TypeNumber.float8Array,
            values.map { $0.map { networkOrder(of: $0.bitPattern) } })
    }

    public static func texts(_ values: [String?]) -> Parameter {
        array(of: TypeNumber.text, type: TypeNumber.textArray, values.map { $0.map { Array($0.utf8) } })
    }

    public static func byteas(_ values: [[UInt8]?]) -> Parameter {
        array(of: TypeNumber.bytea, type: TypeNumber.byteaArray, values)
    }

    public static func jsons(_ values: [Data]) -> Parameter {
        array(of: TypeNumber.json, type: TypeNumber.jsonArray, values.map { Array($0) })
    }

    /// PostgreSQL's binary array: dimensions, whether there are NULLs, element type, length and lower bound, then
    /// each element behind its length (−1 is NULL).
    private static func array(of element: UInt32, type: UInt32, _ values: [[UInt8]?]) -> Parameter {
        var bytes = [UInt8]()
        bytes.reserveCapacity(20 + values.reduce(0) { $0 + 4 + ($1?.count ?? 0) })
        func append(_ value: Int32) { bytes += networkOrder(of: value) }
        append(values.isEmpty ? 0 : 1)
        append(values.contains { $0 == nil } ? 1 : 0)
        append(Int32(bitPattern: element))
        if !values.isEmpty {
            append(Int32(clamping: values.count))
            append(1)
        }
        for value in values {
            if let value {
                append(Int32(clamping: value.count))
                bytes += value
            } else {
                append(-1)
            }
        }
        return Parameter(type: type, bytes: bytes)
    }
}

/// The bytes of `value`, most significant first.
private func networkOrder<Value: FixedWidthInteger>(of value: Value) -> [UInt8] {
    withUnsafeBytes(of: value.bigEndian) { Array($0) }
}

/// Numbers of the types that this room speaks (src/include/catalog/pg_type.dat; they never change).
enum TypeNumber {
    static let bool: UInt32 = 16
    static let bytea: UInt32 = 17
    static let name: UInt32 = 19
    static let int8: UInt32 = 20
    static let int4: UInt32 = 23
    static let text: UInt32 = 25
    static let json: UInt32 = 114
    static let float8: UInt32 = 701
    static let varchar: UInt32 = 1043
    static let boolArray: UInt32 = 1000
    static let byteaArray: UInt32 = 1001
    static let int4Array: UInt32 = 1007
    static let textArray: UInt32 = 1009
    static let int8Array: UInt32 = 1016
    static let float8Array: UInt32 = 1022
    static let jsonArray: UInt32 = 199
}
