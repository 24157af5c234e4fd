/// A loss with the gradient of what it was computed from: the start of a backward pass.
public struct LossGradient {
    public let value: Float
    /// Of the shape of the tensor that the loss was computed from.
    public let gradient: Tensor

    package init(value: Float, gradient: Tensor) {
        self.value = value
        self.gradient = gradient
    }
}

/// Losses that more than one network uses.
public enum Loss {
    /// Mean over rows of −log softmax(logits)[class]. `logits` is rows, classes.
    ///
    /// Throws `EngineError.shapeMismatch` where there is not one valid class a row.
    public static func crossEntropy(_ logits: Tensor, classes: [Int]) throws -> LossGradient {
        guard logits.shape.count == 2, logits.shape[0] == classes.count, !classes.isEmpty,
            classes.allSatisfy((0..<logits.shape[1]).contains)
        else {
            throw EngineError(
                .shapeMismatch, "cross-entropy of logits \(logits.shape) needs one class below \(logits.shape.last ?? 0) a row")
        }
        let width = logits.shape[1]
        let probabilities = try ForwardPass(.evaluation).softmax(logits)
        let share = 1 / Float(classes.count)
        var sum = 0.0
        let gradient = try Tensor.filled(logits.shape) { gradient in
            logits.withValues { logits in
                probabilities.withValues { p in
                    for (row, wanted) in classes.enumerated() {
                        let line = logits[row * width..<(row + 1) * width]
                        // From the logits and not from p, which may have been rounded to zero.
                        let highest = line.max() ?? 0
                        let total = line.reduce(0.0) { $0 + Double.exponential($1 - highest) }
                        sum += Double.naturalLogarithm(total) - Double(line[row * width + wanted] - highest)
                        for j in 0..<width {
                            gradient[row * width + j] = (p[row * width + j] - (j == wanted ? 1 : 0)) * share
                        }
                    }
                }
            }
        }
        return LossGradient(value: Float(sum / Double(classes.count)), gradient: gradient)
    }
}
