import Foundation
import Stages
import Wire

/// A shard's rows as they travel: in the result's header where they fit, otherwise as contents of a few mebibytes each, so
/// that neither side ever holds the JSON of all of them twice.
struct PackedRows {
    /// A JSON array; empty where there are no rows, or where they are contents.
    private(set) var inline = Data()
    /// JSON arrays whose rows follow each other.
    private(set) var contents: [Data] = []

    private static let partSizeInBytes = 4 << 20
    private static let rowsAtOnce = 4096

    /// - Parameter others: bytes that else stands in the header.
    init(_ rows: [ResultRow], besides others: Int) throws {
        guard !rows.isEmpty else { return }
        var parts: [Data] = []
        for start in stride(from: 0, to: rows.count, by: Self.rowsAtOnce) {
            parts += try Self.parts(rows[start..<min(start + Self.rowsAtOnce, rows.count)])
        }
        if parts.reduce(others, { $0 + $1.count }) <= WireProtocol.shardSizeInBytes - 4096 {
            inline = Self.joined(parts)
        } else {
            contents = parts
        }
    }

    /// Halves until a part is small enough, or a single row.
    private static func parts(_ rows: ArraySlice<ResultRow>) throws -> [Data] {
        let data = try JSONEncoder().encode(Array(rows))
        guard data.count > partSizeInBytes, rows.count > 1 else { return [data] }
        let middle = rows.startIndex + rows.count / 2
        return try parts(rows[..<middle]) + parts(rows[middle...])
    }

    /// One JSON array of several, none of which is empty.
    private static func joined(_ parts: [Data]) -> Data {
        guard parts.count > 1 else { return parts.first ?? Data() }
        var whole = Data("[".utf8)
        for (number, part) in parts.enumerated() {
            if number > 0 { whole += Data(",".utf8) }
            whole += part.dropFirst().dropLast()
        }
        return whole + Data("]".utf8)
    }
}
