import CPostgres
import Foundation

/// The rows that a statement returned. Owns libpq's result and frees it.
public final class Rows: RandomAccessCollection {
    private let result: OpaquePointer
    public let count: Int
    /// How many rows an INSERT, UPDATE or DELETE touched.
    public let affected: Int

    /// Takes over `result`.
    init(owning result: OpaquePointer) {
        self.result = result
        count = Int(PQntuples(result))
        affected = Int(String(cString: PQcmdTuples(result))) ?? 0
    }

    deinit { PQclear(result) }

    public var startIndex: Int { 0 }
    public var endIndex: Int { count }

    public subscript(position: Int) -> Row {
        precondition(position >= 0 && position < count, "row \(position) of \(count)")
        return Row(rows: self, index: position)
    }

    /// The bytes of one value; nil is NULL. Checks that the column is there and has one of `types`.
    fileprivate func withValue<R>(
        row: Int, column: Int, types: [UInt32], _ body: (UnsafeRawBufferPointer) throws -> R
    ) throws -> R? {
        guard column >= 0, column < Int(PQnfields(result)) else {
            throw PostgreSQLError(.unexpectedValue, "column \(column) was read, the statement returns \(PQnfields(result))")
        }
        guard types.contains(PQftype(result, Int32(column))) else {
            let name = PQfname(result, Int32(column)).map { String(cString: $0) } ?? "?"
            throw PostgreSQLError(
                .unexpectedValue, "column \(column) (\(name)) has type \(PQftype(result, Int32(column))), not \(types)")
        }
        if PQgetisnull(result, Int32(row), Int32(column)) == 1 { return nil }
        let length = Int(PQgetlength(result, Int32(row), Int32(column)))
        return try body(UnsafeRawBufferPointer(start: PQgetvalue(result, Int32(row), Int32(column)), count: length))
    }
}

/// One row; its columns are read by position and type.
public struct Row {
    fileprivate let rows: Rows
    fileprivate let index: Int

    public func optionalBool(_ column: Int) throws -> Bool? {
        try value(column, [TypeNumber.bool]) { $0.first == 1 }
    }

    public func optionalInt32(_ column: Int) throws -> Int32? {
        try value(column, [TypeNumber.int4]) { try Self.integer($0) }
    }

    public func optionalInt64(_ column: Int) throws -> Int64? {
        try value(column, [TypeNumber.int8]) { try Self.integer($0) }
    }

    public func optionalDouble(_ column: Int) throws -> Double? {
        try value(column, [TypeNumber.float8]) { Double(bitPattern: try Self.integer($0)) }
    }

    public func optionalText(_ column: Int) throws -> String? {
        try value(column, [TypeNumber.text, TypeNumber.varchar, TypeNumber.name]) { String(decoding: $0, as: UTF8.self) }
    }

    public func optionalBytes(_ column: Int) throws -> [UInt8]? {
        try value(column, [TypeNumber.bytea]) { Array($0) }
    }

    /// The bytes of a `bytea` or of JSON text.
    public func optionalData(_ column: Int) throws -> Data? {
        try value(column, [TypeNumber.bytea, TypeNumber.json]) { Data($0) }
    }

    public func optionalTexts(_ column: Int) throws -> [String]? {
        try value(column, [TypeNumber.textArray]) { try Self.elements($0).map { String(decoding: $0, as: UTF8.self) } }
    }

    public func optionalByteas(_ column: Int) throws -> [[UInt8]]? {
        try value(column, [TypeNumber.byteaArray]) { try Self.elements($0) }
    }

    public func bool(_ column: Int) throws -> Bool { try required(column, optionalBool(column)) }
    public func int32(_ column: Int) throws -> Int32 { try required(column, optionalInt32(column)) }
    public func int64(_ column: Int) throws -> Int64 { try required(column, optionalInt64(column)) }
    public func double(_ column: Int) throws -> Double { try required(column, optionalDouble(column)) }
    public func text(_ column: Int) throws -> String { try required(column, optionalText(column)) }
    public func bytes(_ column: Int) throws -> [UInt8] { try required(column, optionalBytes(column)) }
    public func data(_ column: Int) throws -> Data { try required(column, optionalData(column)) }
    public func texts(_ column: Int) throws -> [String] { try required(column, optionalTexts(column)) }
    public func byteas(_ column: Int) throws -> [[UInt8]] { try required(column, optionalByteas(column)) }

    private func value<R>(_ column: Int, _ types: [UInt32], _ body: (UnsafeRawBufferPointer) throws -> R) throws -> R? {
        try rows.withValue(row: index, column: column, types: types, body)
    }

    private func required<Value>(_ column: Int, _ value: Value?) throws -> Value {
        guard let value else { throw PostgreSQLError(.unexpectedValue, "column \(column) of row \(index) is NULL") }
        return value
    }

    private static func integer<Value: FixedWidthInteger>(_ bytes: UnsafeRawBufferPointer) throws -> Value {
        guard bytes.count == MemoryLayout<Value>.size else {
            throw PostgreSQLError(.unexpectedValue, "\(bytes.count) bytes instead of \(MemoryLayout<Value>.size)")
        }
        return Value(bigEndian: bytes.loadUnaligned(as: Value.self))
    }

    /// The elements of a one-dimensional binary array without NULLs.
    private static func elements(_ bytes: UnsafeRawBufferPointer) throws -> [[UInt8]] {
        let broken = PostgreSQLError(.unexpectedValue, "an array of \(bytes.count) bytes cannot be read")
        func int32(at offset: Int) throws -> Int {
            guard offset + 4 <= bytes.count else { throw broken }
            return Int(Int32(bigEndian: bytes.loadUnaligned(fromByteOffset: offset, as: Int32.self)))
        }
        let dimensions = try int32(at: 0)
        if dimensions == 0 { return [] }
        let count = try int32(at: 12)
        guard dimensions == 1, count >= 0 else { throw broken }
        var offset = 20
        var elements = [[UInt8]]()
        for _ in 0..<count {
            let length = try int32(at: offset)
            offset += 4
            guard length >= 0, offset + length <= bytes.count else { throw broken }
            elements.append(Array(bytes[offset..<(offset + length)]))
            offset += length
        }
        return elements
    }
}
