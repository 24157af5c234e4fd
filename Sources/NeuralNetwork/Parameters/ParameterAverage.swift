import Digest

/// The reduce of a training round: from the base and the replicas' deltas to the next parameters.
///
/// Pure, and the same to the last bit whatever the order of the contributions: they are sorted by replica, sums are
/// kept in double precision, and each value is rounded once at the end. Memory is the base, 8 bytes a value, and one
/// delta, however many contributions there are; the robust rules read each twice, and hold one tensor of all of them.
public struct ParameterAverage: Sendable, Equatable {
    /// How the deltas become one.
    public enum Rule: Sendable, Equatable {
        /// FedAvg: Σ nₖ Δₖ / Σ nₖ.
        case weightedMean
        /// The median of each coordinate, whatever the weights; the mean of the middle two of an even number.
        case median
        /// The mean of each coordinate without its ⌊β·n⌋ smallest and as many largest values, whatever the weights.
        case trimmedMean(fraction: Double)
    }

    /// How that one delta Δ̄ moves the base θ.
    public enum OuterOptimiser: Sendable, Equatable {
        /// θ ← θ + Δ̄.
        case none
        /// DiLoCo's: m ← μ·m + Δ̄, θ ← θ + η·(Δ̄ + μ·m). Running statistics of batch-norm are averages, not weights:
        /// they move by Δ̄ alone, else a variance could become negative.
        case nesterov(momentum: Double, learningRate: Double)

        /// The values of DiLoCo's paper: μ 0.9, η 0.7.
        public static let diLoCo = OuterOptimiser.nesterov(momentum: 0.9, learningRate: 0.7)
    }

    public var rule: Rule
    public var outerOptimiser: OuterOptimiser

    public init(rule: Rule = .weightedMean, outerOptimiser: OuterOptimiser = .none) {
        self.rule = rule
        self.outerOptimiser = outerOptimiser
    }

    /// What a round comes to.
    public struct Outcome: Sendable, Equatable {
        public var parameters: ParameterSet
        /// The outer optimiser's state, to be given to the next round; nil where it has none.
        public var momentum: ParameterSet?
        /// In the order of their replicas.
        public var contributions: [Share]
        /// ‖Δ̄‖ over all tensors.
        public var meanDeltaNorm: Double
        /// What a person should look at: nothing moved, weights that a robust rule ignores …
        public var warnings: [String]
    }

    /// What one contribution was worth.
    public struct Share: Sendable, Equatable {
        public var replica: String
        public var sampleCount: Int
        /// ‖Δₖ‖ over all tensors.
        public var deltaNorm: Double
        /// The part of its coordinates that a robust rule cut away, 0…1. For the median: that were not (in) the middle.
        public var trimmedShare: Double
    }

    /// Computes the next parameters.
    ///
    /// `momentum` is the state that the round before returned; nil in the first round.
    /// Throws `ParameterError`: `noWeight`, `notFinite` (names replica and tensor), `missingTensors` (lists them all),
    /// `tooFewContributions`, `wrongBase`, `duplicateName`, `invalidOption`, `missingLibrary`; and what a loader throws.
    public func apply(
        _ contributions: [ParameterContribution], to base: ParameterSet, momentum: ParameterSet? = nil
    ) throws -> Outcome {
        try checkOptions()
        let sorted = contributions.sorted { ParameterSet.precedes($0.replica, $1.replica) }
        try check(sorted, base: base)
        let algebra = try ParameterAlgebra.open()
        let mean: MeanDelta
        switch rule {
        case .weightedMean: mean = try Self.weightedMean(of: sorted, base: base, algebra: algebra)
        case .median: mean = try Self.robustMean(of: sorted, base: base, algebra: algebra, trimming: nil)
        case .trimmedMean(let fraction):
            mean = try Self.robustMean(of: sorted, base: base, algebra: algebra, trimming: fraction)
        }
        let (parameters, newMomentum) = try step(from: base, by: mean.values, momentum: momentum)
        let norm = mean.values.reduce(0.0) { $0 + $1 * $1 }.squareRoot()
        var warnings = mean.warnings
        if norm == 0 { warnings.append("no parameter moved: the mean of all deltas is zero") }
        return Outcome(
            parameters: parameters, momentum: newMomentum, contributions: mean.shares, meanDeltaNorm: norm,
            warnings: warnings)
    }

    /// One delta for all, its tensors one after the other in the order of the base's entries.
    struct MeanDelta {
        var values: [Double]
        var shares: [Share]
        var warnings: [String]
    }

    private func checkOptions() throws {
        if case .trimmedMean(let fraction) = rule, !(fraction > 0 && fraction < 0.5) {
            throw ParameterError(.invalidOption, "the trimmed fraction is \(fraction): it lies between 0 and 0.5")
        }
        if case .nesterov(let momentum, let rate) = outerOptimiser {
            guard momentum >= 0, momentum < 1, rate > 0, rate.isFinite else {
                throw ParameterError(
                    .invalidOption,
                    "outer momentum \(momentum) must lie in 0..<1, outer learning rate \(rate) above 0")
            }
        }
    }

    private func check(_ sorted: [ParameterContribution], base: ParameterSet) throws {
        for (index, contribution) in sorted.enumerated() {
            if index > 0, sorted[index - 1].replica == contribution.replica {
                throw ParameterError(.duplicateName, "replica \(contribution.replica) contributes twice to one round")
            }
            guard contribution.sampleCount >= 0 else {
                throw ParameterError(
                    .noWeight, "replica \(contribution.replica) reports \(contribution.sampleCount) samples")
            }
            guard contribution.sampleCount < 1 << 29 else {
                throw ParameterError(
                    .invalidOption,
                    "replica \(contribution.replica) reports \(contribution.sampleCount) samples: sums are exact only "
                        + "below \(1 << 29)")
            }
        }
        guard sorted.contains(where: { $0.sampleCount > 0 }) else {
            throw ParameterError(.noWeight, "none of the \(sorted.count) contributions has samples: nothing to average")
        }
        guard sorted.contains(where: { $0.base != nil }) else { return }
        let digest = base.digest
        for contribution in sorted {
            if let other = contribution.base, other != digest {
                throw ParameterError(
                    .wrongBase,
                    "replica \(contribution.replica) started from \(other.hex.prefix(12)), the round from "
                        + "\(digest.hex.prefix(12)): its delta cannot be added")
            }
        }
    }

    private static func weightedMean(
        of sorted: [ParameterContribution], base: ParameterSet, algebra: ParameterAlgebra
    ) throws -> MeanDelta {
        var sum = [Double](repeating: 0, count: base.totalCount)
        var shares = [Share]()
        var total = 0
        for contribution in sorted where contribution.sampleCount > 0 {
            let delta = try contribution.delta.all()
            try delta.requireLayout(of: base, in: "replica \(contribution.replica)")
            let squares = try sum.withUnsafeMutableBufferPointer { sum in
                var start = 0
                var squares = 0.0
                for entry in delta.entries {
                    let end = start + entry.values.count
                    let part = entry.values.withUnsafeBufferPointer {
                        algebra.accumulate(
                            Double(contribution.sampleCount), times: $0,
                            into: UnsafeMutableBufferPointer(rebasing: sum[start..<end]))
                    }
                    guard part.isFinite else { throw notFinite(entry, of: contribution) }
                    squares += part
                    start = end
                }
                return squares
            }
            total += contribution.sampleCount
            shares.append(
                Share(
                    replica: contribution.replica, sampleCount: contribution.sampleCount,
                    deltaNorm: squares.squareRoot(), trimmedShare: 0))
        }
        let divisor = Double(total)
        sum.withUnsafeMutableBufferPointer { sum in
            for index in sum.indices { sum[index] /= divisor }
        }
        return MeanDelta(values: sum, shares: shares, warnings: [])
    }

    static func notFinite(_ entry: ParameterSet.Entry, of contribution: ParameterContribution) -> ParameterError {
        let place = entry.values.firstIndex { !$0.isFinite } ?? 0
        return ParameterError(
            .notFinite,
            "replica \(contribution.replica): tensor \(entry.name) is \(entry.values[place]) at element \(place); the "
                + "round is refused rather than poisoned")
    }
}
