/// Intervals of a data set's measures by resampling whole groups (sequences, patients) with replacement: the percentile
/// bootstrap, the same for the same seed and images, whatever their order.
public struct GroupBootstrap: Sendable, Equatable {
    public var resamples: Int
    public var seed: UInt64
    public var confidence: Double

    public init(resamples: Int = 1000, seed: UInt64 = 20_260_101, confidence: Double = 0.95) {
        self.resamples = max(100, resamples)
        self.seed = seed
        self.confidence = min(0.999, max(0.5, confidence))
    }

    /// By measure; empty where there are fewer than two groups.
    func intervals(of groups: [MeasureSums]) -> [String: ConfidenceInterval] {
        guard groups.count > 1 else { return [:] }
        var random = SplitMix64(seed: seed)
        var drawn: [String: [Double]] = [:]
        var times = [Int](repeating: 0, count: groups.count)
        for _ in 0..<resamples {
            for index in times.indices { times[index] = 0 }
            for _ in times.indices { times[random.next(below: groups.count)] += 1 }
            var sums = MeasureSums()
            for (index, count) in times.enumerated() where count > 0 { sums.add(groups[index], times: Double(count)) }
            for (name, value) in sums.measures { drawn[name, default: []].append(value) }
        }
        return drawn.compactMapValues(interval)
    }

    private func interval(_ values: [Double]) -> ConfidenceInterval? {
        .percentiles(of: values, resamples: resamples, confidence: confidence, method: .groupBootstrap)
    }
}
