import Foundation

/// What a job does: steps in order, each of which runs a stage with its settings. Written as JSON5, so that people can
/// comment it.
///
///     { seed: 7, stages: [ { stage: "catalogue" }, { stage: "mil-train", rounds: 12, imageSize: 128 } ] }
///
/// A step is called as its stage, or by `step`; it reads what the nearest step before it left, or what `from` names:
///
///     { step: "second", stage: "segment-train", from: { masks: "sam-2" } }
public struct Pipeline: Sendable {
    public struct Step: Sendable, Hashable {
        /// Unique in its pipeline.
        public var name: String
        public var stage: String
        /// Names of earlier steps, by `StageNeed.key`; where none are named, the nearest that fit are read.
        public var from: [String: [String]]
        public var settings: StageSettings

        public init(_ name: String? = nil, stage: String, from: [String: [String]] = [:], settings: StageSettings) {
            self.name = name ?? stage
            self.stage = stage
            self.from = from
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
        steps = try list.enumerated().map { try Self.step($1, at: $0, registry: registry) }
        try requireNames()
        _ = try outlines(registry: registry)
    }

    private static let ownFields = ["stage", "step", "from"]

    private static func step(_ entry: JSONValue, at index: Int, registry: StageRegistry) throws -> Step {
        guard case .object(let fields) = entry, case .string(let kind) = fields["stage"], let stage = registry[kind] else {
            throw StageError(
                .invalidSettings,
                "stages[\(index)] has no field `stage` with a known name: " + registry.names.joined(separator: ", "))
        }
        var step = Step(
            stage: kind, settings: StageSettings(json: try JSONValue.object(fields.filter { !ownFields.contains($0.key) }).canonicalData()))
        switch fields["step"] {
        case nil: break
        case .string(let name) where isName(name): step.name = name
        default:
            throw StageError(
                .invalidSettings,
                "stages[\(index)]: `step` is a name of lower-case letters, digits and hyphens, 64 at most, that begins with a letter")
        }
        if let from = fields["from"] { step.from = try sources(from, step.name) }
        try stage.validate(settings: step.settings)
        return step
    }

    /// Step names stand in ledger keys, in file names and on command lines.
    private static func isName(_ text: String) -> Bool {
        text.utf8.count <= 64 && text.first.map { ("a"..."z").contains($0) } ?? false
            && text.allSatisfy { ("a"..."z").contains($0) || ("0"..."9").contains($0) || $0 == "-" }
    }

    private static func sources(_ value: JSONValue, _ step: String) throws -> [String: [String]] {
        func refused() -> StageError {
            StageError(
                .invalidSettings,
                "step \(step): `from` is an object of step names, such as { masks: \"sam\" } or { predictions: [\"a\", \"b\"] }")
        }
        guard case .object(let fields) = value else { throw refused() }
        return try fields.mapValues { value in
            switch value {
            case .string(let name): return [name]
            case .array(let list):
                return try list.map { entry in
                    guard case .string(let name) = entry else { throw refused() }
                    return name
                }
            default: throw refused()
            }
        }
    }

    private func requireNames() throws {
        let names = steps.map(\.name)
        let repeated = Set(names.filter { name in names.count(where: { $0 == name }) > 1 }).sorted()
        guard repeated.isEmpty else {
            throw StageError(
                .invalidSettings,
                "the pipeline has more than one step \(repeated.joined(separator: ", ")): give each a name of its own in `step`")
        }
    }

    /// The steps as others see them, each with those from which it reads.
    /// - Throws: `StageError.invalidSettings` for a `from` that cannot be.
    public func outlines(registry: StageRegistry) throws -> [(step: StepOutline, sources: StepSources)] {
        var found: [(step: StepOutline, sources: StepSources)] = []
        for step in steps {
            guard let stage = registry[step.stage] else {
                throw StageError(.invalidSettings, "there is no stage \(step.stage)")
            }
            let sources = try StepSources(
                of: step, needs: try stage.needs(settings: step.settings), among: found.map(\.step))
            found.append((StepOutline(name: step.name, stage: stage), sources))
        }
        return found
    }

    /// Looks whether each step finds what it reads: found when the step is planned, a missing one would stop a job that
    /// may have trained for hours.
    /// - Throws: `StageError.invalidSettings` that lists all that is missing, with the stages that would leave it.
    public func checkInputs(registry: StageRegistry) throws {
        let missing = try outlines(registry: registry).flatMap { step, sources in
            sources.missing.map { need in
                let makers = need.products.flatMap { registry.stages(leaving: $0) }
                return "\(step.name) needs \(makers.isEmpty ? need.key : makers.joined(separator: " or ")) before it"
                    + (need.alternative.map { ", or \($0)" } ?? "")
            }
        }
        guard missing.isEmpty else {
            throw StageError(.invalidSettings, "the pipeline's steps do not find what they need: " + missing.joined(separator: "; "))
        }
    }

    /// Looks at the files that the steps' settings name.
    /// - Throws: `StageError.parameters` for the first that a stage could not use.
    public func checkFiles(registry: StageRegistry) throws {
        for step in steps { try registry[step.stage]?.checkFiles(settings: step.settings) }
    }

    /// Canonical JSON (sorted keys), as the ledger keeps it.
    public func canonicalJSON() throws -> Data {
        let list: [JSONValue] = try steps.map { step in
            var fields = try step.settings.decoded(as: [String: JSONValue].self, stage: step.stage)
            fields["stage"] = .string(step.stage)
            if step.name != step.stage { fields["step"] = .string(step.name) }
            if !step.from.isEmpty { fields["from"] = .object(step.from.mapValues { .array($0.map { .string($0) }) }) }
            return .object(fields)
        }
        return try JSONValue.object(["seed": .integer(Int64(clamping: seed)), "stages": .array(list)]).canonicalData()
    }
}
