extension Pipeline.Loop {
    /// The field of an entry that is a loop.
    static let field = "repeat"
    private static let limit = 100

    /// Reads `{repeat: {generations: …, until: …, steps: […]}}`.
    /// - Throws: `StageError.invalidSettings`, naming place and field.
    init(_ entry: [String: JSONValue], at place: String, registry: StageRegistry) throws {
        func refuse(_ fault: String) -> StageError { StageError(.invalidSettings, "\(place): \(fault)") }
        if let other = entry.keys.sorted().first(where: { $0 != Self.field }) {
            throw refuse("`\(other)` cannot stand beside `repeat`; what is repeated stands in `repeat.steps`")
        }
        guard case .object(let fields) = entry[Self.field] else {
            throw refuse("`repeat` is an object such as { generations: 3, until: 0.97, steps: […] }")
        }
        if let unknown = fields.keys.sorted().first(where: { !["generations", "until", "steps"].contains($0) }) {
            throw refuse("`repeat` has an unknown field `\(unknown)`; it takes generations, until and steps")
        }
        guard case .integer(let number) = fields["generations"], (1...Int64(Self.limit)).contains(number) else {
            throw refuse("`repeat.generations` is a whole number, 1 to \(Self.limit)")
        }
        let count = Int(number)
        generations = count
        switch fields["until"] {
        case nil, .null: until = nil
        case .integer(1): until = 1
        case .number(let value) where value > 0 && value <= 1: until = value
        default: throw refuse("`repeat.until` is a number above 0 up to 1")
        }
        guard case .array(let list) = fields["steps"], !list.isEmpty else {
            throw refuse("`repeat.steps` must be a list of steps, each with a field `stage`")
        }
        templates = try list.enumerated().map { index, entry in
            let place = "\(place).repeat.steps[\(index)]"
            if case .object(let fields) = entry, fields[Self.field] != nil {
                throw StageError(.invalidSettings, "\(place): a loop cannot stand in another")
            }
            let (step, first) = try Pipeline.step(entry, at: place, isRepeated: true, registry: registry)
            guard Pipeline.isName(Self.name(step.name, count)) else {
                throw StageError(
                    .invalidSettings,
                    "\(place): the step's name has more than 64 characters with its generation (\(Self.name(step.name, count)))")
            }
            return Template(step: step, first: first)
        }
        if until != nil, !templates.contains(where: { registry[$0.step.stage]?.measuresAgreement ?? false }) {
            let makers = registry.measuringAgreement
            throw refuse(
                "`repeat.until` needs a step in the loop that measures whether labels still move"
                    + (makers.isEmpty ? "" : ": " + makers.joined(separator: " or ")))
        }
    }

    func json() throws -> JSONValue {
        var fields: [String: JSONValue] = [
            "generations": .integer(Int64(generations)),
            "steps": .array(try templates.map { try Pipeline.json($0.step, first: $0.first) }),
        ]
        fields["until"] = until.map { .number($0) }
        return .object([Self.field: .object(fields)])
    }
}

extension Pipeline {
    /// Looks at every `from`; those of a second generation as well where only one runs.
    func checkSources(registry: StageRegistry) throws {
        _ = try outlines(registry: registry)
        let longer = entries.map { entry in
            guard case .loop(var loop) = entry, loop.generations == 1 else { return entry }
            loop.generations = 2
            return .loop(loop)
        }
        if longer != entries { _ = try Self.outlines(of: Self.unrolled(longer), registry: registry) }
    }

    /// A loop whose generations do not read each other would train the same again and again.
    /// - Parameter sources: of `steps`.
    func requireThatGenerationsLearn(_ sources: [StepSources]) throws {
        for (place, entry) in entries.enumerated() {
            guard case .loop(let loop) = entry, loop.generations > 1 else { continue }
            func names(_ generation: Int) -> Set<String> {
                Set(steps.filter { $0.generation?.loop == place && $0.generation?.number == generation }.map(\.name))
            }
            let (first, second) = (names(1), names(2))
            let reads = zip(steps, sources).contains { step, sources in
                second.contains(step.name) && sources.steps.values.joined().contains { first.contains($0.name) }
            }
            guard reads else {
                throw StageError(
                    .invalidSettings,
                    "stages[\(place)]: no step of the loop reads what the generation before left; name one in `from`, such as "
                        + "{ masks: { first: \"STEP\", then: \"STEP\" } }")
            }
        }
    }
}
