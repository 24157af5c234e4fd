import Evaluation
import Imaging

/// What each precision says of each picture, by scores, maps and boxes: fp32's is what the others are compared with.
struct ScoresAndMaps {
    private static let none = QuantisationEffect.precisions.map { _ in [Double]() }

    private var times = none
    private var scores = none
    private var correlations = none
    private var overlaps = none
    private var truthOverlaps = none
    private var labels: [Bool] = []
    private var reference: (map: [Float], box: Box?)?

    /// The next picture; `isPositive` as its truth has it.
    mutating func begin(isPositive: Bool) {
        labels.append(isPositive)
        reference = nil
    }

    /// A score of the picture that was begun, by the precision at `mode`.
    mutating func add(score: Double, milliseconds: Double, _ mode: Int) {
        scores[mode].append(score)
        times[mode].append(milliseconds)
    }

    /// fp32's score of the picture that was begun.
    var referenceScore: Double { scores[0][labels.count - 1] }

    /// A map and the box that is found in it, fp32's before others'.
    /// - Parameter wanted: the box of the truth.
    mutating func add(map: [Float], box: Box?, wanted: Box?, _ mode: Int) {
        if let reference {
            correlations[mode].append(QuantisationEffect.correlation(map, reference.map))
            if let a = box, let b = reference.box { overlaps[mode].append(a.intersectionOverUnion(b)) }
        } else {
            reference = (map, box)
        }
        if let wanted { truthOverlaps[mode].append(box?.intersectionOverUnion(wanted) ?? 0) }
    }

    /// One a precision. Throws `EvaluationError` for scores that are no numbers.
    func answers() throws -> [QuantisationEffect.Answers] {
        let hasBoth = Set(labels).count == 2
        return try scores.indices.map { mode in
            let changes = zip(scores[mode], scores[0]).map { abs($0 - $1) }
            var answers = QuantisationEffect.Answers(milliseconds: QuantisationEffect.median(times[mode]))
            if mode > 0 {
                answers.scoreChange = QuantisationEffect.mean(changes)
                answers.greatestScoreChange = changes.max()
                answers.mapCorrelation = QuantisationEffect.mean(correlations[mode])
                answers.leastMapCorrelation = correlations[mode].min()
                answers.boxOverlap = QuantisationEffect.mean(overlaps[mode])
            }
            answers.area = hasBoth ? try ROCCurve.area(scores: scores[mode], isPositive: labels) : nil
            answers.boxTruthOverlap = QuantisationEffect.mean(truthOverlaps[mode])
            return answers
        }
    }
}
