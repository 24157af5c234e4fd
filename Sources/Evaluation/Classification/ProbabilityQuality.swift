/// How far probabilities of two classes are to be believed.
public struct ProbabilityQuality: Sendable, Hashable {
    /// Mean squared difference of probability and class, 0…1, lower is better (Brier 1950).
    public let brier: Double
    /// Expected calibration error: the mean, over ten bins of equal width weighted by their samples, of the difference between
    /// the mean probability and the share of positives (Naeini, Cooper and Hauskrecht 2015).
    public let calibrationError: Double
    /// Samples of which one class reaches the confidence, and how many of these are right.
    public let decided: Int
    public let right: Int

    private static let bins = 10

    /// - Parameter confidence: at least one half.
    /// - Throws: `EvaluationError` for no samples, lists of two lengths, or what is no probability.
    public init(probabilities: [Double], isPositive: [Bool], confidence: Double) throws {
        guard probabilities.count == isPositive.count, !probabilities.isEmpty,
            probabilities.allSatisfy({ (0...1).contains($0) }), (0.5...1).contains(confidence)
        else {
            throw EvaluationError(
                .invalidOption, "\(probabilities.count) probabilities for \(isPositive.count) samples, confidence \(confidence)")
        }
        let count = Double(probabilities.count)
        var (squares, decided, right) = (0.0, 0, 0)
        var sums = [(probability: Double, positives: Double)](repeating: (0, 0), count: Self.bins)
        for (p, positive) in zip(probabilities, isPositive) {
            squares += (p - (positive ? 1 : 0)) * (p - (positive ? 1 : 0))
            let bin = min(Self.bins - 1, Int(p * Double(Self.bins)))
            sums[bin].probability += p
            sums[bin].positives += positive ? 1 : 0
            if max(p, 1 - p) >= confidence {
                decided += 1
                if (p >= 0.5) == positive { right += 1 }
            }
        }
        brier = squares / count
        // The bin's weight cancels the division of both sums by its samples.
        calibrationError = sums.reduce(0) { $0 + abs($1.probability - $1.positives) } / count
        (self.decided, self.right) = (decided, right)
    }
}
