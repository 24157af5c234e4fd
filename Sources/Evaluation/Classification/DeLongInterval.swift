/// The variance of an AUC from the placements of its samples (DeLong 1988), in O(n log n) by midranks (Sun, Xu 2014).
public enum DeLongInterval {
    /// AUC ± z·σ, cut to [0, 1]; nil with fewer than two samples of either class.
    ///
    /// A perfect separation has variance 0 and an interval of no width: read it with the number of samples.
    /// Throws `EvaluationError` (`sizeMismatch`, `notANumber`, `invalidOption`).
    public static func interval(
        scores: [Double], isPositive: [Bool], confidence: Double = 0.95
    ) throws -> ConfidenceInterval? {
        guard confidence > 0, confidence < 1 else {
            throw EvaluationError(.invalidOption, "confidence is \(confidence): it lies between 0 and 1")
        }
        guard let (area, variance) = try areaAndVariance(scores: scores, isPositive: isPositive) else { return nil }
        let half = ConfidenceInterval.normalQuantile((1 + confidence) / 2) * variance.squareRoot()
        return .init(lower: max(0, area - half), upper: min(1, area + half), confidence: confidence, method: .deLong)
    }

    /// The AUC and the variance of its estimate.
    public static func areaAndVariance(
        scores: [Double], isPositive: [Bool]
    ) throws -> (area: Double, variance: Double)? {
        let ranking = try Ranking(scores: scores, isPositive: isPositive)
        let positives = isPositive.count { $0 }
        let negatives = isPositive.count - positives
        guard positives >= 2, negatives >= 2 else { return nil }
        // Placement of a positive: the share of negatives below it, ties half; of a negative: of positives above it.
        var positivePlacements = [Double]()
        var negativePlacements = [Double]()
        var (start, positivesAbove, negativesAbove) = (0, 0, 0)
        for end in ranking.groupEnds {
            let group = ranking.order[start..<end]
            let here = group.count { isPositive[$0] }
            let others = group.count - here
            let below = Double(negatives - negativesAbove - others) + Double(others) / 2
            positivePlacements += Array(repeating: below / Double(negatives), count: here)
            let above = Double(positivesAbove) + Double(here) / 2
            negativePlacements += Array(repeating: above / Double(positives), count: others)
            positivesAbove += here
            negativesAbove += others
            start = end
        }
        let area = positivePlacements.reduce(0, +) / Double(positives)
        let variance =
            sampleVariance(positivePlacements) / Double(positives)
            + sampleVariance(negativePlacements) / Double(negatives)
        return (area, variance)
    }

    private static func sampleVariance(_ values: [Double]) -> Double {
        let mean = values.reduce(0, +) / Double(values.count)
        return values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count - 1)
    }
}
