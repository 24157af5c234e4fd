import Foundation
import NeuralNetwork

/// The losses of ToCo (docs/Method.md, section 3), with their gradients. Labels of pixels and patches are 0
/// (background), 1 (foreground) or `ignored`.
public enum ToCoLosses {
    /// The label of what teaches nothing.
    public static let ignored: UInt8 = 255

    /// Multi-label soft margin: the mean over images and classes of −[y·log σ(x) + (1 − y)·log(1 − σ(x))].
    /// `logits` is N,classes.
    public static func softMargin(_ logits: Tensor, labels: [Float]) throws -> LossGradient {
        guard logits.count == labels.count, !labels.isEmpty else {
            throw EngineError(.shapeMismatch, "\(labels.count) labels for logits of \(logits.shape)")
        }
        var sum = 0.0
        let share = 1 / Double(labels.count)
        let gradient = try Tensor.filled(logits.shape) { gradient in
            logits.withValues { logits in
                for (place, label) in labels.enumerated() {
                    let x = Double(logits[place])
                    // log(1 + e^x) without overflow.
                    sum += max(x, 0) + log1p(exp(-abs(x))) - Double(label) * x
                    gradient[place] = Float((1 / (1 + exp(-x)) - Double(label)) * share)
                }
            }
        }
        return LossGradient(value: Float(sum * share), gradient: gradient)
    }

    /// Patch-token contrast: ½(1 − mean |cos| over pairs of equal label) + ½ mean |cos| over pairs of different label,
    /// each sum divided by its count plus one. Pairs of a patch with itself, and with ignored patches, do not count.
    ///
    /// `cosines` is B,P,P (`ForwardPass.cosineSimilarities`), `labels` one for each patch. The gradient is that of
    /// `cosines`.
    public static func patchContrast(_ cosines: Tensor, labels: [UInt8]) throws -> LossGradient {
        guard cosines.shape.count == 3, cosines.shape[1] == cosines.shape[2],
            labels.count == cosines.shape[0] * cosines.shape[1]
        else {
            throw EngineError(.shapeMismatch, "\(labels.count) labels for cosines of \(cosines.shape) (B,P,P)")
        }
        let patches = cosines.shape[1]
        // How many pairs there are, from how many patches have each label.
        var counts = (same: 0.0, different: 0.0)
        for image in 0..<cosines.shape[0] {
            let own = labels[image * patches..<(image + 1) * patches]
            let background = own.reduce(0) { $0 + ($1 == 0 ? 1 : 0) }
            let foreground = own.reduce(0) { $0 + ($1 != 0 && $1 != ignored ? 1 : 0) }
            counts.same += Double(background * (background - 1) + foreground * (foreground - 1))
            counts.different += Double(2 * background * foreground)
        }
        let (pull, push) = (0.5 / (counts.same + 1), 0.5 / (counts.different + 1))
        var sums = (same: 0.0, different: 0.0)
        let gradient = try Tensor.filled(cosines.shape) { gradient in
            cosines.withValues { cosines in
                labels.withUnsafeBufferPointer { labels in
                    for row in 0..<labels.count {
                        let first = row * patches
                        let line = UnsafeMutableBufferPointer(rebasing: gradient[first..<first + patches])
                        line.update(repeating: 0)
                        let label = labels[row]
                        guard label != ignored else { continue }
                        let own = row / patches * patches
                        var (same, different): (Float, Float) = (0, 0)
                        for other in 0..<patches where labels[own + other] != ignored && own + other != row {
                            let cosine = cosines[first + other]
                            let slope: Float = cosine < 0 ? -1 : cosine > 0 ? 1 : 0
                            if labels[own + other] == label {
                                same += abs(cosine)
                                line[other] = -slope * Float(pull)
                            } else {
                                different += abs(cosine)
                                line[other] = slope * Float(push)
                            }
                        }
                        sums.same += Double(same)
                        sums.different += Double(different)
                    }
                }
            }
        }
        return LossGradient(value: Float(0.5 - pull * sums.same + push * sums.different), gradient: gradient)
    }

    /// Segmentation cross-entropy: half the mean over background pixels and half that over foreground pixels, so that
    /// small findings count as much as what surrounds them. `logits` is N,H,W,2.
    ///
    /// Where there are no pixels of a kind, its half is zero.
    public static func segmentation(_ logits: Tensor, labels: [UInt8]) throws -> LossGradient {
        try checkMask(logits, labels)
        let counts = (0...1).map { kind in labels.reduce(0) { $0 + ($1 == kind ? 1 : 0) } }
        let shares = counts.map { $0 > 0 ? 0.5 / Double($0) : 0 }
        var sum = 0.0
        let gradient = try Tensor.filled(logits.shape) { gradient in
            logits.withValues { logits in
                for (pixel, label) in labels.enumerated() {
                    guard label != ignored else {
                        (gradient[2 * pixel], gradient[2 * pixel + 1]) = (0, 0)
                        continue
                    }
                    // By how much the wrong logit is above the right one.
                    let (right, share) = (Int(label), shares[Int(label)])
                    let excess = logits[2 * pixel + 1 - right] - logits[2 * pixel + right]
                    let power = exp(-abs(excess))
                    sum += Double(max(excess, 0) + log1p(power)) * share
                    let wrong = excess >= 0 ? 1 / (1 + power) : power / (1 + power)
                    gradient[2 * pixel + 1 - right] = wrong * Float(share)
                    gradient[2 * pixel + right] = -wrong * Float(share)
                }
            }
        }
        return LossGradient(value: Float(sum), gradient: gradient)
    }

    /// Dice: the mean over both classes of 1 − (2Σ p·t + s) / (Σ p² + Σ t² + s), p the softmax of the logits (N,H,W,2),
    /// t one where the label is the class, s = 1e-5. Sums are over all pixels but the ignored.
    public static func dice(_ logits: Tensor, labels: [UInt8], smooth: Double = 1e-5) throws -> LossGradient {
        try checkMask(logits, labels)
        // For each class: Σ p·t, Σ p², Σ t.
        var (products, squares, counts) = ([0.0, 0.0], [0.0, 0.0], [0.0, 0.0])
        var probabilities = [Float](repeating: 0, count: labels.count)
        logits.withValues { logits in
            for (pixel, label) in labels.enumerated() where label != ignored {
                let p = 1 / (1 + exp(logits[2 * pixel] - logits[2 * pixel + 1]))
                probabilities[pixel] = p
                let both = (Double(1 - p), Double(p))
                squares[0] += both.0 * both.0
                squares[1] += both.1 * both.1
                counts[Int(label)] += 1
                products[Int(label)] += label == 0 ? both.0 : both.1
            }
        }
        let tops = (0...1).map { 2 * products[$0] + smooth }
        let bottoms = (0...1).map { squares[$0] + counts[$0] + smooth }
        let value = (0...1).reduce(0.0) { $0 + (1 - tops[$1] / bottoms[$1]) / 2 }
        // d/dp of class k: −(2t·bottom − 2p·top) / bottom² / 2.
        let (first, second) = ((0...1).map { 1 / bottoms[$0] }, (0...1).map { tops[$0] / (bottoms[$0] * bottoms[$0]) })
        let gradient = try Tensor.filled(logits.shape) { gradient in
            for (pixel, label) in labels.enumerated() {
                guard label != ignored else {
                    (gradient[2 * pixel], gradient[2 * pixel + 1]) = (0, 0)
                    continue
                }
                let p = Double(probabilities[pixel])
                let background = second[0] * (1 - p) - (label == 0 ? first[0] : 0)
                let foreground = second[1] * p - (label == 0 ? 0 : first[1])
                let slope = Float((foreground - background) * p * (1 - p))
                gradient[2 * pixel + 1] = slope
                gradient[2 * pixel] = -slope
            }
        }
        return LossGradient(value: Float(value), gradient: gradient)
    }

    private static func checkMask(_ logits: Tensor, _ labels: [UInt8]) throws {
        guard logits.shape.count == 4, logits.shape[3] == 2, logits.count == 2 * labels.count,
            labels.allSatisfy({ $0 <= 1 || $0 == ignored })
        else {
            throw EngineError(
                .shapeMismatch, "\(labels.count) labels (0, 1 or 255) for logits of \(logits.shape) (N,H,W,2)")
        }
    }
}
