extension ParameterAverage {
    /// Moves the base by the mean delta. Each value is computed in double precision, in an order that this code fixes,
    /// and rounded once; the momentum is rounded before it is used, so that a resumed run goes on with the same bits.
    func step(
        from base: ParameterSet, by mean: [Double], momentum: ParameterSet?
    ) throws -> (parameters: ParameterSet, momentum: ParameterSet?) {
        if let momentum { try momentum.requireLayout(of: base, in: "the outer optimiser's momentum") }
        var parameters = base
        var state: ParameterSet?
        if case .nesterov = outerOptimiser { state = momentum ?? base.zeros }
        var start = 0
        for (index, entry) in base.entries.enumerated() {
            let count = entry.values.count
            try mean.withUnsafeBufferPointer { mean in
                let delta = UnsafeBufferPointer(rebasing: mean[start..<start + count])
                if case .nesterov(let factor, let rate) = outerOptimiser, !Self.isRunningStatistic(entry.name) {
                    state?.updateValues(at: index) { velocity in
                        parameters.updateValues(at: index) { values in
                            for place in 0..<count {
                                velocity[place] = Float(factor * Double(velocity[place]) + delta[place])
                                let move = delta[place] + factor * Double(velocity[place])
                                values[place] = Float(Double(values[place]) + rate * move)
                            }
                        }
                    }
                } else {
                    parameters.updateValues(at: index) { values in
                        for place in 0..<count { values[place] = Float(Double(values[place]) + delta[place]) }
                    }
                }
                // A sum of magnitudes is finite exactly when all are: 2^128 values would be needed to overflow it.
                let magnitude = parameters.entries[index].values.reduce(0.0) { $0 + Double(abs($1)) }
                guard magnitude.isFinite else {
                    throw ParameterError(
                        .notFinite,
                        "tensor \(entry.name) would not be finite after this round: check the base, and the learning rates")
                }
            }
            start += count
        }
        return (parameters, state)
    }

    /// Whether a tensor, by its reference name, is a batch-norm's running mean or variance.
    static func isRunningStatistic(_ name: String) -> Bool {
        name.hasSuffix("running_mean") || name.hasSuffix("running_var")
    }
}
