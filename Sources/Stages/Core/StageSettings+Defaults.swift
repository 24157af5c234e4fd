import Foundation

extension StageSettings {
    /// `defaults`, with the fields that are given laid over them; unknown fields are refused.
    /// - Parameter optional: fields that `defaults` leaves nil.
    /// - Throws: `StageError.invalidSettings`, naming the field.
    func laid<Settings: Codable>(over defaults: Settings, optional: [String], stage: String) throws -> Settings {
        guard case .object(var fields) = try JSONDecoder().decode(JSONValue.self, from: StageCoding.encode(defaults)) else {
            throw StageError(.invalidSettings, "settings of stage \(stage) are not an object")
        }
        try requireFields(Array(fields.keys) + optional, stage: stage)
        for (name, value) in try decoded(as: [String: JSONValue].self, stage: stage) { fields[name] = value }
        return try StageSettings(json: JSONValue.object(fields).canonicalData()).decoded(as: Settings.self, stage: stage)
    }
}
