import Foundation
import NeuralNetwork

/// Weighted binary cross-entropy plus weighted IoU of the sigmoid, the mean over images; pixels weigh
/// 1 + 5·|mean of the mask over 31×31 − mask|, which is most along borders (Wei et al. 2020).
public struct StructureLoss {
    private let masks: Tensor
    private let weights: [Float]
    private static let window = 31

    /// `masks` is N,H,W,1 of numbers in [0, 1].
    public init(masks: Tensor) throws {
        guard masks.shape.count == 4, masks.shape[3] == 1, masks.count > 0 else {
            throw EngineError(.shapeMismatch, "masks are N,H,W,1, not \(masks.shape)")
        }
        self.masks = masks
        weights = masks.withValues { Self.weights($0, height: masks.shape[1], width: masks.shape[2]) }
    }

    /// The loss of `logits`, of the masks' shape, with its gradient.
    public func callAsFunction(_ logits: Tensor) throws -> LossGradient {
        guard logits.shape == masks.shape else {
            throw EngineError(.shapeMismatch, "logits of \(logits.shape) for masks of \(masks.shape)")
        }
        let (images, pixels) = (masks.shape[0], masks.shape[1] * masks.shape[2])
        var sum = 0.0
        let gradient = try Tensor.filled(logits.shape) { gradient in
            logits.withValues { logits in
                masks.withValues { masks in
                    for image in 0..<images {
                        sum += oneImage(
                            image * pixels..<(image + 1) * pixels, logits, masks, share: 1 / Double(images), gradient)
                    }
                }
            }
        }
        return LossGradient(value: Float(sum / Double(images)), gradient: gradient)
    }

    /// With p the sigmoid of the logit z, m the mask and w the weight: Σ w·bce / Σ w + 1 − (I + 1)/(U + 1), where
    /// I = Σ p·m·w and U = Σ (p + m)·w − I.
    private func oneImage(
        _ range: Range<Int>, _ logits: UnsafeBufferPointer<Float>, _ masks: UnsafeBufferPointer<Float>, share: Double,
        _ gradient: UnsafeMutableBufferPointer<Float>
    ) -> Double {
        var (entropy, weight, common, total) = (0.0, 0.0, 0.0, 0.0)
        for i in range {
            let (z, m, w) = (logits[i], masks[i], weights[i])
            let small = exp(-abs(z))
            let p = z >= 0 ? 1 / (1 + small) : small / (1 + small)
            // max(z, 0) − z·m + log(1 + e^−|z|): no exponential of a large number.
            entropy += Double(w * (max(z, 0) - z * m + log1p(small)))
            weight += Double(w)
            common += Double(p * m * w)
            total += Double((p + m) * w)
            gradient[i] = p
        }
        let (i1, u1) = (common + 1, total - common + 1)
        for i in range {
            let (p, m, w) = (Double(gradient[i]), Double(masks[i]), Double(weights[i]))
            let slope = -(m * u1 - i1 * (1 - m)) / (u1 * u1)
            gradient[i] = Float(share * w * ((p - m) / weight + slope * p * (1 - p)))
        }
        return entropy / weight + 1 - i1 / u1
    }

    /// The mean over a window counts what lies outside the image as zero. Running sums are kept in double.
    private static func weights(_ masks: UnsafeBufferPointer<Float>, height: Int, width: Int) -> [Float] {
        let (reach, area) = (window / 2, Double(window * window))
        var weights = [Float](repeating: 1, count: masks.count)
        for image in 0..<masks.count / (height * width) {
            let start = image * height * width
            var columns = [Double](repeating: 0, count: width)
            func add(row: Int, _ sign: Double) {
                guard (0..<height).contains(row) else { return }
                for x in 0..<width { columns[x] += sign * Double(masks[start + row * width + x]) }
            }
            for row in 0..<reach { add(row: row, 1) }
            for y in 0..<height {
                add(row: y + reach, 1)
                add(row: y - reach - 1, -1)
                var sum = columns.prefix(reach).reduce(0, +)
                for x in 0..<width {
                    if x + reach < width { sum += columns[x + reach] }
                    if x > reach { sum -= columns[x - reach - 1] }
                    let place = start + y * width + x
                    weights[place] = Float(1 + 5 * abs(sum / area - Double(masks[place])))
                }
            }
        }
        return weights
    }
}
