extension Pipeline {
    /// Why a step of a later generation is not to run; nil where it is. It depends on nothing but what finished steps of the
    /// loop say, so that it comes out the same after a crash.
    ///
    /// - Parameter metrics: the numbers of a step's last round, by its name.
    public func reasonToSkip(_ step: Step, metrics: (String) throws -> [String: Double]) rethrows -> String? {
        guard let generation = step.generation, case .loop(let loop) = entries[generation.loop], let until = loop.until else {
            return nil
        }
        for number in 1..<generation.number {
            let said = try loop.templates.compactMap { Agreement(metrics: try metrics(Loop.name($0.step.name, number)))?.value }
            // Of several steps that measure it, the one that moved most decides.
            guard let least = said.min(), least >= until else { continue }
            return "generation \(number) agrees by \(Self.text(least)) with what taught it, and the loop runs until \(Self.text(until))"
        }
        return nil
    }

    /// The step as it reads where others were skipped: instead of these, the last generation of them that ran.
    public func reading(_ step: Step, skipping skipped: Set<String>) -> Step {
        guard !skipped.isEmpty, !step.from.isEmpty else { return step }
        var step = step
        step.from = step.from.mapValues { names in
            names.reduce(into: []) { found, name in
                let name = standing(for: name, skipped)
                if !found.contains(name) { found.append(name) }
            }
        }
        return step
    }

    /// The steps that run where others are skipped.
    public func steps(skipping skipped: Set<String>) -> [Step] {
        steps.filter { !skipped.contains($0.name) }.map { reading($0, skipping: skipped) }
    }

    private func standing(for name: String, _ skipped: Set<String>) -> String {
        guard skipped.contains(name), let generation = steps.first(where: { $0.name == name })?.generation else { return name }
        let ran = steps.last {
            $0.generation?.loop == generation.loop && $0.generation?.step == generation.step && !skipped.contains($0.name)
        }
        return ran?.name ?? name
    }

    /// Four digits, without what a person need not read.
    private static func text(_ value: Double) -> String { "\((value * 10_000).rounded() / 10_000)" }
}
