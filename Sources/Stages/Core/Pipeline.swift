import Foundation

/// What a job does: steps in order, each of which runs a stage with its settings. Written as JSON5, so that people can
/// comment it.
///
///     { seed: 7, stages: [ { stage: "catalogue" }, { stage: "mil-train", rounds: 12, imageSize: 128 } ] }
///
/// A step is called as its stage, or by `step`; it reads what the nearest step before it left, or what `from` names:
///
///     { step: "second", stage: "segment-train", from: { masks: "sam-2" } }
///
/// Steps may stand in a loop (`Pipeline.Loop`), which is unrolled into generations.
public struct Pipeline: Sendable {
    public struct Step: Sendable, Hashable {
        /// Unique in its pipeline.
        public var name: String
        public var stage: String
        /// Names of earlier steps, by `StageNeed.key`; where none are named, the nearest that fit are read.
        public var from: [String: [String]]
        public var settings: StageSettings
        /// Of a step that a loop was unrolled into.
        public var generation: Generation?

        public init(_ name: String? = nil, stage: String, from: [String: [String]] = [:], settings: StageSettings) {
            self.name = name ?? stage
            self.stage = stage
            self.from = from
            self.settings = settings
        }
    }

    /// What stands in the list `stages`.
    public enum Entry: Sendable, Hashable {
        case step(Step)
        case loop(Loop)
    }

    public var seed: UInt64
    /// As they were written.
    public private(set) var entries: [Entry]
    /// The steps that a job has, in order: loops are unrolled.
    public private(set) var steps: [Step]

    public init(seed: UInt64, steps: [Step]) {
        self.init(seed: seed, entries: steps.map(Entry.step))
    }

    init(seed: UInt64, entries: [Entry]) {
        self.seed = seed
        self.entries = entries
        steps = Self.unrolled(entries)
    }

    /// The steps as they were written, those of a loop once.
    public var written: [Step] {
        entries.flatMap { entry in
            switch entry {
            case .step(let step): [step]
            case .loop(let loop): loop.templates.map(\.step)
            }
        }
    }

    /// Lets `change` give each written step other settings, in every generation.
    public mutating func changeSettings(_ change: (Step) throws -> StageSettings) rethrows {
        entries = try entries.map { entry in
            switch entry {
            case .step(var step):
                step.settings = try change(step)
                return .step(step)
            case .loop(var loop):
                for place in loop.templates.indices {
                    loop.templates[place].step.settings = try change(loop.templates[place].step)
                }
                return .loop(loop)
            }
        }
        steps = Self.unrolled(entries)
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
        let seed: UInt64
        switch fields["seed"] {
        case nil: seed = 0
        case .integer(let value) where value >= 0: seed = UInt64(value)
        default: throw StageError(.invalidSettings, "`seed` must be a whole number from 0")
        }
        guard case .array(let list) = fields["stages"], !list.isEmpty else {
            throw StageError(.invalidSettings, "`stages` must be a list of objects, each with a field `stage`")
        }
        self.init(
            seed: seed,
            entries: try list.enumerated().map { index, entry in
                let place = "stages[\(index)]"
                if case .object(let fields) = entry, fields[Loop.field] != nil {
                    return .loop(try Loop(fields, at: place, registry: registry))
                }
                return .step(try Self.step(entry, at: place, registry: registry).step)
            })
        try requireNames()
        try checkSources(registry: registry)
    }

    private static let ownFields = ["stage", "step", "from"]

    /// - Parameter isRepeated: whether `from` may say what the first generation reads instead.
    /// - Returns: the step, and what its first generation reads.
    static func step(
        _ entry: JSONValue, at place: String, isRepeated: Bool = false, registry: StageRegistry
    ) throws -> (step: Step, first: [String: [String]]) {
        guard case .object(let fields) = entry, case .string(let kind) = fields["stage"], let stage = registry[kind] else {
            throw StageError(
                .invalidSettings,
                "\(place) has no field `stage` with a known name: " + registry.names.joined(separator: ", "))
        }
        var step = Step(
            stage: kind, settings: StageSettings(json: try JSONValue.object(fields.filter { !ownFields.contains($0.key) }).canonicalData()))
        switch fields["step"] {
        case nil: break
        case .string(let name) where isName(name): step.name = name
        default:
            throw StageError(
                .invalidSettings,
                "\(place): `step` is a name of lower-case letters, digits and hyphens, 64 at most, that begins with a letter")
        }
        var first: [String: [String]] = [:]
        if let from = fields["from"] { (step.from, first) = try sources(from, step.name, isRepeated: isRepeated) }
        try stage.validate(settings: step.settings)
        return (step, first)
    }

    /// Step names stand in ledger keys, in file names and on command lines.
    static func isName(_ text: String) -> Bool {
        text.utf8.count <= 64 && text.first.map { ("a"..."z").contains($0) } ?? false
            && text.allSatisfy { ("a"..."z").contains($0) || ("0"..."9").contains($0) || $0 == "-" }
    }

    private static func sources(
        _ value: JSONValue, _ step: String, isRepeated: Bool
    ) throws -> (from: [String: [String]], first: [String: [String]]) {
        let refusal = StageError(
            .invalidSettings,
            "step \(step): `from` is an object of step names, such as { masks: \"sam\" } or { predictions: [\"a\", \"b\"] }"
                + (isRepeated ? "; in a loop also { masks: { first: \"STEP\", then: \"STEP\" } }" : ""))
        func names(_ value: JSONValue?) throws -> [String] {
            switch value {
            case .string(let name): return [name]
            case .array(let list):
                return try list.map { entry in
                    guard case .string(let name) = entry else { throw refusal }
                    return name
                }
            default: throw refusal
            }
        }
        guard case .object(let fields) = value else { throw refusal }
        var (from, first): ([String: [String]], [String: [String]]) = ([:], [:])
        for (key, value) in fields {
            if isRepeated, case .object(let parts) = value {
                guard Set(parts.keys) == ["first", "then"] else { throw refusal }
                first[key] = try names(parts["first"])
                from[key] = try names(parts["then"])
            } else {
                from[key] = try names(value)
            }
        }
        return (from, first)
    }

    private func requireNames() throws {
        // A loop's steps are called by their plain names as well.
        let names = written.map(\.name) + steps.filter { $0.generation != nil }.map(\.name)
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
        try Self.outlines(of: steps, registry: registry)
    }

    public static func outlines(
        of steps: [Step], registry: StageRegistry
    ) throws -> [(step: StepOutline, sources: StepSources)] {
        var found: [(step: StepOutline, sources: StepSources)] = []
        for step in steps {
            guard let stage = registry[step.stage] else {
                throw StageError(.invalidSettings, "there is no stage \(step.stage)")
            }
            let sources = try StepSources(
                of: step, needs: try stage.needs(settings: step.settings), among: found.map(\.step))
            found.append((StepOutline(name: step.name, stage: stage, sources: sources), sources))
        }
        return found
    }

    /// Looks whether each step finds what it reads: found when the step is planned, a missing one would stop a job that
    /// may have trained for hours.
    /// - Throws: `StageError.invalidSettings` that lists all that is missing, with the stages that would leave it.
    public func checkInputs(registry: StageRegistry) throws {
        let outlines = try outlines(registry: registry)
        let missing = zip(steps, outlines).flatMap { step, outline -> [String] in
            // What the first generation lacks is told once.
            if (step.generation?.number ?? 1) > 1 { return [] }
            return outline.sources.missing.map { need in
                let makers = need.products.flatMap { registry.stages(leaving: $0) }
                return "\(step.name) needs \(makers.isEmpty ? need.key : makers.joined(separator: " or ")) before it"
                    + (need.alternative.map { ", or \($0)" } ?? "")
            }
        }
        guard missing.isEmpty else {
            throw StageError(.invalidSettings, "the pipeline's steps do not find what they need: " + missing.joined(separator: "; "))
        }
        try requireThatGenerationsLearn(outlines.map(\.sources))
    }

    /// Looks at the files that the steps' settings name.
    /// - Throws: `StageError.parameters` for the first that a stage could not use.
    public func checkFiles(registry: StageRegistry) throws {
        for step in written { try registry[step.stage]?.checkFiles(settings: step.settings) }
    }

    /// Canonical JSON (sorted keys), as the ledger keeps it: loops as they were written.
    public func canonicalJSON() throws -> Data {
        let list = try entries.map { entry in
            switch entry {
            case .step(let step): try Self.json(step)
            case .loop(let loop): try loop.json()
            }
        }
        return try JSONValue.object(["seed": .integer(Int64(clamping: seed)), "stages": .array(list)]).canonicalData()
    }

    static func json(_ step: Step, first: [String: [String]] = [:]) throws -> JSONValue {
        func names(_ list: [String]) -> JSONValue { .array(list.map { .string($0) }) }
        var fields = try step.settings.decoded(as: [String: JSONValue].self, stage: step.stage)
        fields["stage"] = .string(step.stage)
        if step.name != step.stage { fields["step"] = .string(step.name) }
        if !step.from.isEmpty {
            let from = step.from.map { key, then in
                (key, first[key].map { JSONValue.object(["first": names($0), "then": names(then)]) } ?? names(then))
            }
            fields["from"] = .object(Dictionary(uniqueKeysWithValues: from))
        }
        return .object(fields)
    }
}
