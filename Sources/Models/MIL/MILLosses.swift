import Foundation
import NeuralNetwork

/// The losses of EndoKED-MIL (docs/Method.md, section 2), with their gradients. Computed in double: they are tiny.
public enum MILLosses {
    /// Keeps logarithms finite, as in the reference.
    static let epsilon = 1e-5

    /// The probability of class 1 of each row of `logits` (rows, 2).
    public static func positiveProbabilities(_ logits: Tensor) -> [Float] {
        logits.withValues { values in
            (0..<values.count / 2).map { Float(positiveProbability(values[2 * $0], values[2 * $0 + 1])) }
        }
    }

    /// Attention teacher: −[y·log(p₁ + ε) + (1 − y)·log(1 − p₁ + ε)] of the bag's logits (1, 2).
    public static func attention(_ bagLogits: Tensor, label: Int) throws -> LossGradient {
        let (value, slope) = bagLogits.withValues { logits in
            binary(positiveProbability(logits[0], logits[1]), label: label)
        }
        return LossGradient(value: Float(value), gradient: try Tensor([Float(-slope), Float(slope)], shape: [1, 2]))
    }

    /// DSMIL teacher: half the cross-entropy of softmax(bag logits), taken for logits once more as the reference
    /// does, and half the binary cross-entropy (with ε) of the highest instance probability.
    public static func dsmil(
        _ output: DSMILTeacher.Output, label: Int
    ) throws -> (value: Float, bag: Tensor, instances: Tensor) {
        let (bagValue, bagSlope) = output.bagLogits.withValues { logits -> (Double, Double) in
            let p1 = positiveProbability(logits[0], logits[1])
            // softmax of (1 − p₁, p₁): the second class has 1 / (1 + e^(1 − 2p₁)).
            let q1 = 1 / (1 + exp(1 - 2 * p1))
            let wanted = label == 1 ? q1 : 1 - q1
            // d(−log q)/dp₁ = 2(q₁ − y), since p₀ falls as p₁ rises.
            let slope = 2 * (q1 - Double(label)) * p1 * (1 - p1)
            return (-log(wanted), slope)
        }
        let probabilities = output.instanceLogits.withValues { logits in
            (0..<logits.count / 2).map { positiveProbability(logits[2 * $0], logits[2 * $0 + 1]) }
        }
        guard let highest = probabilities.indices.max(by: { probabilities[$0] < probabilities[$1] }) else {
            throw EngineError(.shapeMismatch, "a bag without images has no loss")
        }
        let (instanceValue, instanceSlope) = binary(probabilities[highest], label: label)
        let bag = try Tensor([Float(-bagSlope / 2), Float(bagSlope / 2)], shape: [1, 2])
        let instances = try Tensor.filled(output.instanceLogits.shape) { gradient in
            gradient.update(repeating: 0)
            gradient[2 * highest] = Float(-instanceSlope / 2)
            gradient[2 * highest + 1] = Float(instanceSlope / 2)
        }
        return (Float((bagValue + instanceValue) / 2), bag, instances)
    }

    /// Student: −mean[w·(1−t)·log(p₀ + ε) + (1−w)·t·log(p₁ + ε)] over images, with t the soft target of each and
    /// w the weight of negatives.
    public static func student(_ logits: Tensor, targets: [Float], negativeWeight: Float) throws -> LossGradient {
        guard logits.shape == [targets.count, 2], !targets.isEmpty else {
            throw EngineError(.shapeMismatch, "\(targets.count) targets for student logits of \(logits.shape)")
        }
        let w = Double(negativeWeight)
        var sum = 0.0
        let gradient = try Tensor.filled(logits.shape) { gradient in
            logits.withValues { logits in
                for (row, target) in targets.enumerated() {
                    let t = Double(target)
                    let p1 = positiveProbability(logits[2 * row], logits[2 * row + 1])
                    let p0 = 1 - p1
                    sum -= w * (1 - t) * log(p0 + epsilon) + (1 - w) * t * log(p1 + epsilon)
                    let slope = (w * (1 - t) / (p0 + epsilon) - (1 - w) * t / (p1 + epsilon)) * p0 * p1
                    gradient[2 * row + 1] = Float(slope / Double(targets.count))
                    gradient[2 * row] = -gradient[2 * row + 1]
                }
            }
        }
        return LossGradient(value: Float(sum / Double(targets.count)), gradient: gradient)
    }

    private static func positiveProbability(_ z0: Float, _ z1: Float) -> Double {
        1 / (1 + exp(Double(z0) - Double(z1)))
    }

    /// −[y·log(p + ε) + (1−y)·log(1 − p + ε)] and its slope with respect to the difference of the two logits.
    private static func binary(_ p: Double, label: Int) -> (Double, Double) {
        label == 1
            ? (-log(p + epsilon), -p * (1 - p) / (p + epsilon))
            : (-log(1 - p + epsilon), p * (1 - p) / (1 - p + epsilon))
    }
}
