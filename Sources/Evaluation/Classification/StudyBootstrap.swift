/// Intervals by resampling whole studies with replacement (the percentile bootstrap), the same for the same seed.
///
/// Images of one examination resemble each other; resampling images would promise more certainty than there is.
public struct StudyBootstrap: Sendable, Equatable {
    public var resamples: Int
    public var seed: UInt64
    public var confidence: Double

    public init(resamples: Int = 2000, seed: UInt64 = 20_260_101, confidence: Double = 0.95) {
        self.resamples = resamples
        self.seed = seed
        self.confidence = confidence
    }

    public struct Intervals: Sendable, Equatable {
        /// nil where fewer than half of the resamples had both classes.
        public var area: ConfidenceInterval?
        public var averagePrecision: ConfidenceInterval?
        /// Resamples in which a class was absent; they are left out.
        public var resamplesWithoutBothClasses: Int
    }

    /// Throws `EvaluationError` (`notANumber`, `invalidOption`).
    public func intervals(of samples: [ClassificationSample]) throws -> Intervals {
        guard resamples >= 100, confidence > 0, confidence < 1 else {
            throw EvaluationError(
                .invalidOption,
                "a bootstrap of \(resamples) resamples and confidence \(confidence): at least 100, and between 0 and 1")
        }
        // The order of studies is part of the result; names make it independent of the order of the samples.
        let names = samples.map { $0.centre + "\u{0}" + $0.study }
        let distinct = Set(names).sorted()
        let places = Dictionary(uniqueKeysWithValues: distinct.enumerated().map { ($1, $0) })
        let ranking = try Ranking(scores: samples.map(\.score), isPositive: samples.map(\.isPositive))
        let groups = ranking.order.map { Int32(places[names[$0]] ?? 0) }

        var random = SplitMix64(seed: seed)
        var (areas, precisions) = ([Double](), [Double]())
        var times = [Int32](repeating: 0, count: distinct.count)
        for _ in 0..<(distinct.isEmpty ? 0 : resamples) {
            for index in times.indices { times[index] = 0 }
            for _ in times.indices { times[random.next(below: distinct.count)] += 1 }
            let (area, precision) = ranking.areas(groups: groups, times: times)
            guard let area, let precision else { continue }
            areas.append(area)
            precisions.append(precision)
        }
        return Intervals(
            area: interval(areas), averagePrecision: interval(precisions),
            resamplesWithoutBothClasses: resamples - areas.count)
    }

    private func interval(_ values: [Double]) -> ConfidenceInterval? {
        .percentiles(of: values, resamples: resamples, confidence: confidence, method: .studyBootstrap)
    }
}

/// A small generator that is the same everywhere (Steele, Lea, Flood 2014).
struct SplitMix64 {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    /// Uniform in 0..<bound, by the upper half of a product; its bias is below bound / 2^64.
    mutating func next(below bound: Int) -> Int {
        Int(next().multipliedFullWidth(by: UInt64(bound)).high)
    }
}
