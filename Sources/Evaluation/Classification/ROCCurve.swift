/// The receiver operating characteristic of some scores.
public struct ROCCurve: Sendable, Equatable {
    public struct Point: Sendable, Equatable {
        /// Samples scored this or more are called positive.
        public var threshold: Double
        public var truePositiveRate: Double
        public var falsePositiveRate: Double
        /// Correct among those called positive.
        public var precision: Double
    }

    /// From the highest threshold to the lowest, one for each distinct score.
    public let points: [Point]
    /// The area under the curve, a tie counting half; nil where one class is absent.
    public let area: Double?
    /// scikit-learn's average precision; nil without positives.
    public let averagePrecision: Double?
    public let positives: Int
    public let negatives: Int

    /// Throws `EvaluationError` (`sizeMismatch`, `notANumber`).
    public init(scores: [Double], isPositive: [Bool]) throws {
        let ranking = try Ranking(scores: scores, isPositive: isPositive)
        (area, averagePrecision) = ranking.areas()
        positives = isPositive.count { $0 }
        negatives = isPositive.count - positives
        var points = [Point]()
        var (start, hits, alarms) = (0, 0, 0)
        for end in ranking.groupEnds {
            for sample in ranking.order[start..<end] {
                if isPositive[sample] { hits += 1 } else { alarms += 1 }
            }
            points.append(
                Point(
                    threshold: scores[ranking.order[end - 1]],
                    truePositiveRate: Double(hits) / Double(max(1, positives)),
                    falsePositiveRate: Double(alarms) / Double(max(1, negatives)),
                    precision: Double(hits) / Double(hits + alarms)))
            start = end
        }
        self.points = points
    }

    /// The area alone. Throws as the initialiser does.
    public static func area(scores: [Double], isPositive: [Bool]) throws -> Double? {
        try Ranking(scores: scores, isPositive: isPositive).areas().roc
    }

    /// Average precision alone. Throws as the initialiser does.
    public static func averagePrecision(scores: [Double], isPositive: [Bool]) throws -> Double? {
        try Ranking(scores: scores, isPositive: isPositive).areas().averagePrecision
    }
}
