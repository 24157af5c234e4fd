extension Pipeline {
    /// Steps that run again and again, each generation learning from what the one before left:
    ///
    ///     { repeat: { generations: 3, until: 0.97, steps: [
    ///       { stage: "segment-train", from: { masks: { first: "sam", then: "refine" } } },
    ///       { stage: "segment" }, { stage: "refine" },
    ///     ] } }
    ///
    /// It is unrolled when the pipeline is read: `segment-train-1`, `segment-1`, `refine-1`, `segment-train-2`, …
    public struct Loop: Sendable, Hashable {
        /// A step of the loop as it was written, called by its plain name.
        public struct Template: Sendable, Hashable {
            public var step: Step
            /// What its first generation reads instead of `step.from`, by key.
            public var first: [String: [String]]
        }

        /// How many there are at most.
        public var generations: Int
        /// No generation follows one whose labels agree this far with those that taught it (`Agreement.value`); nil: all run.
        public var until: Double?
        public var templates: [Template]
    }

    /// Which generation of which loop a step is of.
    public struct Generation: Sendable, Hashable {
        /// The loop's place in `entries`.
        public var loop: Int
        /// From 1.
        public var number: Int
        /// The step's plain name, without the number.
        public var step: String
    }

    /// Every loop as the steps of its generations. From outside, a plain name means the last generation.
    static func unrolled(_ entries: [Entry]) -> [Step] {
        var last: [String: String] = [:]
        for case .loop(let loop) in entries {
            for template in loop.templates { last[template.step.name] = Loop.name(template.step.name, loop.generations) }
        }
        return entries.enumerated().flatMap { place, entry in
            switch entry {
            case .step(var step):
                step.from = step.from.mapValues { $0.map { last[$0] ?? $0 } }
                return [step]
            case .loop(let loop): return loop.unrolled(at: place, outside: last)
            }
        }
    }
}

extension Pipeline.Loop {
    static func name(_ step: String, _ generation: Int) -> String { "\(step)-\(generation)" }

    fileprivate func unrolled(at place: Int, outside: [String: String]) -> [Pipeline.Step] {
        (1...max(1, generations)).flatMap { number in
            templates.enumerated().map { position, template in
                var step = template.step
                step.name = Self.name(step.name, number)
                step.generation = .init(loop: place, number: number, step: template.step.name)
                let from = number == 1 ? step.from.merging(template.first) { $1 } : step.from
                step.from = from.compactMapValues { names in
                    let found = names.compactMap { name -> String? in
                        guard let other = templates.firstIndex(where: { $0.step.name == name }) else { return outside[name] ?? name }
                        if other < position { return Self.name(name, number) }
                        // It comes later in the loop: what the generation before left, of which the first has none.
                        return number > 1 ? Self.name(name, number - 1) : nil
                    }
                    return found.isEmpty ? nil : found
                }
                return step
            }
        }
    }
}
