/// A step as others see it.
public struct StepOutline: Sendable, Hashable {
    /// Unique in its pipeline; ledger, status and results speak of it.
    public var name: String
    /// The stage that it runs.
    public var stage: String
    public var products: [Product]
    /// How evaluation reads what it drew; nil where it draws nothing.
    public var localiser: Localiser?
    /// The step whose masks taught the network behind it: of a step that trains, the one whose masks it reads; of a step that
    /// runs a network, that network's; of one that reads what such a step drew, likewise. One at most.
    public var teachers: [StepOutline]

    public init(name: String, stage: any Stage, sources: StepSources = StepSources()) {
        self.name = name
        self.stage = stage.name
        products = stage.products
        localiser = stage.localiser
        func read(_ kind: Product.Kind) -> StepOutline? { sources.steps[kind.rawValue]?.last }
        if products.contains(where: { $0.kind == .network }) {
            teachers = read(.masks).map { [$0] } ?? []
        } else {
            teachers = (read(.network) ?? read(.masks))?.teachers ?? []
        }
    }
}

/// From which earlier steps a step reads, by `StageNeed.key`, in the pipeline's order.
public struct StepSources: Sendable, Hashable {
    public var steps: [String: [StepOutline]]
    /// What is required and was not found.
    public var missing: [StageNeed]

    public init() { (steps, missing) = ([:], []) }

    /// The nearest earlier step that leaves what is needed, or those that `from` names.
    /// - Throws: `StageError.invalidSettings` where `from` names what is not needed, or a step that is not there or does
    ///   not leave it; with the steps that would do.
    init(of step: Pipeline.Step, needs: [StageNeed], among earlier: [StepOutline]) throws {
        (steps, missing) = ([:], [])
        let keys = needs.map(\.key)
        if let unknown = step.from.keys.sorted().first(where: { !keys.contains($0) }) {
            throw StageError(
                .invalidSettings,
                "step \(step.name): `from.\(unknown)` names nothing that it reads with these settings; it reads "
                    + (keys.isEmpty ? "nothing" : keys.joined(separator: ", ")))
        }
        for need in needs {
            if let names = step.from[need.key] {
                steps[need.key] = try Self.named(names, need, step, earlier)
            } else {
                let found = earlier.filter { need.isMet(by: $0, named: false) }
                steps[need.key] = need.takesMany ? found : Array(found.suffix(1))
                if found.isEmpty, need.isRequired { missing.append(need) }
            }
        }
    }

    private static func named(
        _ names: [String], _ need: StageNeed, _ step: Pipeline.Step, _ earlier: [StepOutline]
    ) throws -> [StepOutline] {
        let fitting = earlier.filter { need.isMet(by: $0, named: true) }
        func refuse(_ fault: String) -> StageError {
            StageError(
                .invalidSettings,
                "step \(step.name): `from.\(need.key)` \(fault); "
                    + (fitting.isEmpty ? "no step before it would do" : "what would do: " + fitting.map(\.name).joined(separator: ", ")))
        }
        guard !names.isEmpty, names.count == 1 || need.takesMany, Set(names).count == names.count else {
            throw refuse(need.takesMany ? "names steps, each once" : "names one step")
        }
        for name in names where !fitting.contains(where: { $0.name == name }) {
            let isThere = earlier.contains { $0.name == name }
            throw refuse(
                isThere
                    ? "names \(name), which leaves no \(need.products.map(\.description).joined(separator: " or "))"
                    : "names \(name), which is no step before it")
        }
        return fitting.filter { names.contains($0.name) }
    }
}
