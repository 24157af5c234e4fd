import Foundation

/// JSON of shard inputs and records: equal values give equal bytes.
enum StageCoding {
    static func encode(_ value: some Encodable) throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return try encoder.encode(value)
    }

    /// - Throws: `StageError.missingInput`, naming the stage and the field: such bytes come from another version.
    static func decode<Value: Decodable>(_ type: Value.Type, from data: Data, of what: String) throws -> Value {
        do { return try JSONDecoder().decode(type, from: data) } catch let error as DecodingError {
            throw StageError(
                .missingInput, "\(what) is not what this version writes (\(error.fieldAndReason)): was it made by another?")
        }
    }
}

extension ShardRecord {
    /// What `map` left; nil when the shard was quarantined.
    /// - Throws: as `StageCoding.decode`.
    func decoded<Record: Decodable>(as type: Record.Type) throws -> Record? {
        try record.map { try StageCoding.decode(type, from: $0, of: "the record of \(key)") }
    }
}

extension [ShardRecord] {
    /// The records of those shards that came through.
    /// - Throws: as `StageCoding.decode`.
    func decoded<Record: Decodable>(as type: Record.Type) throws -> [Record] {
        try compactMap { try $0.decoded(as: type) }
    }
}
