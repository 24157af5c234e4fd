/// Samples in the order of their scores, the greatest first, equal scores in one group: what AUC and average precision
/// are computed from.
struct Ranking {
    /// For each group of equal scores, where it ends in `order`.
    let groupEnds: [Int]
    /// Indices of the samples.
    let order: [Int]
    /// Of the samples in `order`.
    private let isPositiveInOrder: [Bool]

    init(scores: [Double], isPositive: [Bool]) throws {
        guard scores.count == isPositive.count else {
            throw EvaluationError(.sizeMismatch, "\(scores.count) scores for \(isPositive.count) labels")
        }
        if let index = scores.firstIndex(where: \.isNaN) {
            throw EvaluationError(.notANumber, "score \(index) of \(scores.count) is NaN: it cannot be ranked")
        }
        let order = scores.indices.sorted { scores[$0] > scores[$1] }
        groupEnds = order.indices.filter { $0 + 1 == order.count || scores[order[$0 + 1]] != scores[order[$0]] }
            .map { $0 + 1 }
        self.order = order
        isPositiveInOrder = order.map { isPositive[$0] }
    }

    /// Both areas at once.
    ///
    /// The area under the ROC curve counts a tie as half; nil where a class is absent. Average precision is
    /// Σ (Rₙ − Rₙ₋₁)·Pₙ over the groups, as scikit-learn's; nil without positives.
    func areas() -> (roc: Double?, averagePrecision: Double?) { areas { _ in 1 } }

    /// The same with each sample counted as often as its group was drawn.
    ///
    /// - Parameters:
    ///   - groups: of the samples in `order`: a place in `times` each, so that a resample reads memory from one end to the
    ///     other.
    func areas(groups: [Int32], times: [Int32]) -> (roc: Double?, averagePrecision: Double?) {
        times.withUnsafeBufferPointer { times in
            groups.withUnsafeBufferPointer { groups in areas { Int(times[Int(groups[$0])]) } }
        }
    }

    /// - Parameter weight: of the sample at a place of `order`.
    @inline(__always)
    private func areas(weight: (Int) -> Int) -> (roc: Double?, averagePrecision: Double?) {
        var (positives, negatives) = (0, 0)
        var (start, ordered, precisions) = (0, 0, 0.0)
        for end in groupEnds {
            var (newPositives, newNegatives) = (0, 0)
            for place in start..<end {
                if isPositiveInOrder[place] { newPositives += weight(place) } else { newNegatives += weight(place) }
            }
            // Doubled, so that a half is whole: pairs in the right order, and ties.
            ordered += newNegatives * (2 * positives + newPositives)
            positives += newPositives
            negatives += newNegatives
            if newPositives > 0 {
                precisions += Double(newPositives) * Double(positives) / Double(positives + negatives)
            }
            start = end
        }
        let roc =
            positives > 0 && negatives > 0
            ? Double(ordered) / 2 / Double(positives) / Double(negatives) : nil
        return (roc, positives > 0 ? precisions / Double(positives) : nil)
    }
}
