import Foundation
import NeuralNetwork

/// Binary cross-entropy, the mean over pixels, plus soft Dice of the sigmoid over the whole batch as one region
/// (Milletari, Navab and Ahmadi 2016, without the squares).
public struct EntropyAndDice {
    private let masks: Tensor
    private static let smoothing = 1e-6

    /// `masks` is N,H,W,1 of numbers in [0, 1].
    public init(masks: Tensor) throws {
        guard masks.shape.count == 4, masks.shape[3] == 1, masks.count > 0 else {
            throw EngineError(.shapeMismatch, "masks are N,H,W,1, not \(masks.shape)")
        }
        self.masks = masks
    }

    /// The loss of `logits`, of the masks' shape, with its gradient.
    ///
    /// With p the sigmoid of the logit, m the mask, I = Σ p·m and S = Σ p + Σ m:
    /// mean cross-entropy + 1 − (2·I + 1e-6)/(S + 1e-6).
    public func callAsFunction(_ logits: Tensor) throws -> LossGradient {
        guard logits.shape == masks.shape else {
            throw EngineError(.shapeMismatch, "logits of \(logits.shape) for masks of \(masks.shape)")
        }
        var value = 0.0
        let gradient = try Tensor.filled(logits.shape) { gradient in
            logits.withValues { logits in
                masks.withValues { masks in value = Self.loss(logits, masks, gradient) }
            }
        }
        return LossGradient(value: Float(value), gradient: gradient)
    }

    private static func loss(
        _ logits: UnsafeBufferPointer<Float>, _ masks: UnsafeBufferPointer<Float>,
        _ gradient: UnsafeMutableBufferPointer<Float>
    ) -> Double {
        var (entropy, common, total) = (0.0, 0.0, 0.0)
        for i in logits.indices {
            let (z, m) = (logits[i], masks[i])
            let small = exp(-abs(z))
            let p = z >= 0 ? 1 / (1 + small) : small / (1 + small)
            // max(z, 0) − z·m + log(1 + e^−|z|): no exponential of a large number.
            entropy += Double(max(z, 0) - z * m + log1p(small))
            common += Double(p * m)
            total += Double(p + m)
            gradient[i] = p
        }
        let (count, above) = (Double(logits.count), 2 * common + smoothing)
        // Nothing predicted and nothing there is a perfect overlap.
        let below = (total == 0 ? 2 * common : total) + smoothing
        for i in logits.indices {
            let (p, m) = (Double(gradient[i]), Double(masks[i]))
            let slope = -(2 * m * below - above) / (below * below)
            gradient[i] = Float((p - m) / count + slope * p * (1 - p))
        }
        return entropy / count + 1 - above / below
    }
}
