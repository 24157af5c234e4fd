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
