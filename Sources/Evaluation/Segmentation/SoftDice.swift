/// The reference's own Dice of a probability map (docs/Method.md, section 6).
public enum SoftDice {
    /// (2·Σ p·g + 1) / (Σ p + Σ g + 1), p stretched to [0, 1] by its least and greatest value (+1e-8).
    ///
    /// Both empty: 1, by the two ones. A constant prediction is stretched to 0 everywhere.
    /// Throws `EvaluationError` (`sizeMismatch`, `emptyInput`, `notANumber`).
    public static func score(prediction: [Float], truth: [Float]) throws -> Double {
        guard prediction.count == truth.count else {
            throw EvaluationError(
                .sizeMismatch, "the prediction has \(prediction.count) pixels, the truth \(truth.count)")
        }
        guard let least = prediction.min(), let greatest = prediction.max() else {
            throw EvaluationError(.emptyInput, "an empty map cannot be scored")
        }
        let range = Double(greatest) - Double(least) + 1e-8
        var (both, sum) = (0.0, 0.0)
        for index in prediction.indices {
            let (p, g) = ((Double(prediction[index]) - Double(least)) / range, Double(truth[index]))
            both += p * g
            sum += p + g
        }
        guard both.isFinite, sum.isFinite else {
            throw EvaluationError(.notANumber, "the prediction or the truth holds a value that is not finite")
        }
        return (2 * both + 1) / (sum + 1)
    }
}
