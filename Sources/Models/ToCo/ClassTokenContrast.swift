import Foundation
import NeuralNetwork

/// Class-token contrast (Ru et al., CVPR 2023): the class token of a whole image is drawn to those of crops that show
/// the finding, and away from those of crops of background.
public struct ClassTokenContrast: Sendable, Hashable, Codable {
    /// A whole image with its crops: rows of the teacher's and of the student's projections.
    public struct Group: Sendable, Hashable {
        public var whole: Int
        public var positives: [Int]
        public var negatives: [Int]

        public init(whole: Int, positives: [Int], negatives: [Int]) {
            self.whole = whole
            self.positives = positives
            self.negatives = negatives
        }
    }

    public var temperature: Double

    public init(temperature: Double = 0.5) { self.temperature = temperature }

    /// The mean over pairs of a whole image g and a positive crop c of
    /// −log[exp(g·c/τ) / (exp(g·c/τ) + Σ exp(g·n/τ))], n the negatives of the same image.
    ///
    /// `teacher` (rows of whole images) is constant; the gradient is that of `student` (rows of crops). Images without
    /// positive or without negative crops have no pairs; without any pair the loss is zero.
    public func callAsFunction(teacher: Tensor, student: Tensor, groups: [Group]) throws -> LossGradient {
        guard teacher.shape.count == 2, student.shape.count == 2, teacher.shape[1] == student.shape[1],
            groups.allSatisfy({ group in
                (0..<teacher.shape[0]).contains(group.whole)
                    && (group.positives + group.negatives).allSatisfy((0..<student.shape[0]).contains)
            })
        else {
            throw EngineError(
                .shapeMismatch, "groups of crops point outside projections of \(teacher.shape) and \(student.shape)")
        }
        let width = student.shape[1]
        let used = groups.filter { !$0.negatives.isEmpty }
        let pairs = used.reduce(0) { $0 + $1.positives.count }
        var sum = 0.0
        let gradient = try Tensor.filled(student.shape) { gradient in
            gradient.update(repeating: 0)
            teacher.withValues { teacher in
                student.withValues { student in
                    for group in used {
                        let whole = teacher[group.whole * width..<(group.whole + 1) * width]
                        func similarity(_ row: Int) -> Double {
                            zip(whole, student[row * width..<(row + 1) * width])
                                .reduce(0.0) { $0 + Double($1.0) * Double($1.1) } / temperature
                        }
                        func add(_ slope: Double, to row: Int) {
                            let factor = Float(slope / temperature / Double(pairs))
                            for (place, number) in whole.enumerated() { gradient[row * width + place] += factor * number }
                        }
                        let negatives = group.negatives.map(similarity)
                        for positive in group.positives {
                            let own = similarity(positive)
                            let highest = max(own, negatives.max() ?? own)
                            let powers = negatives.map { exp($0 - highest) }
                            let total = exp(own - highest) + powers.reduce(0, +)
                            sum += log(total) - (own - highest)
                            add(exp(own - highest) / total - 1, to: positive)
                            for (row, power) in zip(group.negatives, powers) { add(power / total, to: row) }
                        }
                    }
                }
            }
        }
        return LossGradient(value: Float(sum / Double(max(1, pairs))), gradient: gradient)
    }
}
