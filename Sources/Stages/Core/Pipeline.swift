import Foundation

/// What a job does: stages in order, each with its settings. Written as JSON5, so that people can comment it.
///
///     { seed: 7, stages: [ { stage: "catalogue" }, { stage: "mil-train", rounds: 12, imageSize: 128 } ] }
public struct Pipeline: Sendable {
    public struct Step: Sendable {
        public var stage: String
        public var settings: StageSettings

        public init(stage: String, settings: StageSettings) {
            self.stage = stage
            self.settings = settings
        }
    }

    public var seed: UInt64
    public var steps: [Step]

    public init(seed: UInt64, steps: [Step]) {
        self.seed = seed
        self.steps = steps
    }

    /// Reads JSON5 (or JSON). Every stage must be known to `registry` and accept its settings.
    /// - Throws: `StageError.invalidSettings`, naming the step and the field.
    public init(json5: Data, registry: StageRegistry) throws {
        let object: Any
        do {
            object = try JSONSerialization.jsonObject(with: json5, options: [.json5Allowed])
        } catch {
            throw StageError(.invalidSettings, "the pipeline is not JSON5: \(error)")
        }
        guard let root = object as? [String: Any] else {
            throw StageError(.invalidSettings, "the pipeline is not an object with `stages`")
        }
        if let unknown = root.keys.sorted().first(where: { !["seed", "stages"].contains($0) }) {
            throw StageError(.invalidSettings, "the pipeline has an unknown field `\(unknown)`; it takes seed and stages")
        }
        guard let list = root["stages"] as? [[String: Any]], !list.isEmpty else {
            throw StageError(.invalidSettings, "`stages` must be a list of objects, each with a field `stage`")
        }
        if let given = root["seed"], !(given is NSNumber) || (given as? NSNumber)?.int64Value ?? -1 < 0 {
            throw StageError(.invalidSettings, "`seed` must be a whole number from 0")
        }
        seed = (root["seed"] as? NSNumber)?.uint64Value ?? 0
        steps = try list.enumerated().map { index, entry in
            guard let name = entry["stage"] as? String, let stage = registry[name] else {
                throw StageError(
                    .invalidSettings,
                    "stages[\(index)].stage is \(entry["stage"] ?? "missing"); known stages: "
                        + registry.names.joined(separator: ", "))
            }
            var settings = entry
            settings["stage"] = nil
            let encoded = StageSettings(
                json: try JSONSerialization.data(withJSONObject: settings, options: [.sortedKeys]))
            try stage.validate(settings: encoded)
            return Step(stage: name, settings: encoded)
        }
    }

    /// Canonical JSON (sorted keys), as the ledger keeps it.
    public func canonicalJSON() throws -> Data {
        let list: [[String: Any]] = try steps.map { step in
            var object = try JSONSerialization.jsonObject(with: step.settings.json) as? [String: Any] ?? [:]
            object["stage"] = step.stage
            return object
        }
        return try JSONSerialization.data(
            withJSONObject: ["seed": NSNumber(value: seed), "stages": list], options: [.sortedKeys])
    }
}
