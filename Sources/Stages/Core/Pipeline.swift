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
        let root: JSONValue
        do {
            let decoder = JSONDecoder()
            decoder.allowsJSON5 = true
            root = try decoder.decode(JSONValue.self, from: json5)
        } catch let error as DecodingError {
            throw StageError(.invalidSettings, "the pipeline is not JSON5: \(error.fieldAndReason)")
        }
        guard case .object(let fields) = root else {
            throw StageError(.invalidSettings, "the pipeline is not an object with `stages`")
        }
        if let unknown = fields.keys.sorted().first(where: { !["seed", "stages"].contains($0) }) {
            throw StageError(.invalidSettings, "the pipeline has an unknown field `\(unknown)`; it takes seed and stages")
        }
        switch fields["seed"] {
        case nil: seed = 0
        case .integer(let value) where value >= 0: seed = UInt64(value)
        default: throw StageError(.invalidSettings, "`seed` must be a whole number from 0")
        }
        guard case .array(let list) = fields["stages"], !list.isEmpty else {
            throw StageError(.invalidSettings, "`stages` must be a list of objects, each with a field `stage`")
        }
        steps = try list.enumerated().map { index, entry in
            guard case .object(var settings) = entry, case .string(let name) = settings["stage"],
                let stage = registry[name]
            else {
                throw StageError(
                    .invalidSettings,
                    "stages[\(index)] has no field `stage` with a known name: " + registry.names.joined(separator: ", "))
            }
            settings["stage"] = nil
            let encoded = StageSettings(json: try JSONValue.object(settings).canonicalData())
            try stage.validate(settings: encoded)
            return Step(stage: name, settings: encoded)
        }
    }

    /// Looks whether each stage finds what it reads: found when the stage is planned, a missing one would stop a job that
    /// may have trained for hours.
    /// - Throws: `StageError.invalidSettings` that lists all that is missing.
    public func checkInputs(registry: StageRegistry) throws {
        var (before, missing): (Set<String>, [String]) = ([], [])
        for step in steps {
            for input in try registry[step.stage]?.inputs(settings: step.settings) ?? []
            where !before.contains(input.stage) {
                missing.append(
                    "\(step.stage) needs \(input.stage) before it" + (input.alternative.map { ", or \($0)" } ?? ""))
            }
            before.insert(step.stage)
        }
        guard missing.isEmpty else {
            throw StageError(.invalidSettings, "the pipeline's stages do not find what they need: " + missing.joined(separator: "; "))
        }
    }

    /// Looks at the files that the stages' settings name.
    /// - Throws: `StageError.parameters` for the first that a stage could not use.
    public func checkFiles(registry: StageRegistry) throws {
        for step in steps { try registry[step.stage]?.checkFiles(settings: step.settings) }
    }

    /// How many rounds each stage makes at most.
    public func rounds(registry: StageRegistry) throws -> [String: Int] {
        var rounds = [String: Int]()
        for step in steps { rounds[step.stage] = try registry[step.stage]?.roundCount(settings: step.settings) }
        return rounds
    }

    /// Canonical JSON (sorted keys), as the ledger keeps it.
    public func canonicalJSON() throws -> Data {
        let list: [JSONValue] = try steps.map { step in
            var fields = try step.settings.decoded(as: [String: JSONValue].self, stage: step.stage)
            fields["stage"] = .string(step.stage)
            return .object(fields)
        }
        return try JSONValue.object(["seed": .integer(Int64(clamping: seed)), "stages": .array(list)]).canonicalData()
    }
}
