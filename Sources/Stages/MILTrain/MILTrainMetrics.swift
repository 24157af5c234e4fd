import Evaluation
import Foundation

/// What a round of `mil-train` tells in numbers beside what all rounds tell.
struct MILTrainMetrics {
    var values: [String: Double] = [:]

    /// - Throws: `EvaluationError` for scores that are no numbers.
    init(_ records: [MILTrainRecord]) throws {
        let replicas = records.filter { $0.kind == .train }
        let images = replicas.reduce(0) { $0 + $1.images }
        if images > 0 {
            func mean(_ field: (MILTrainRecord) -> Double) -> Double {
                replicas.reduce(0) { $0 + field($1) * Double($1.images) } / Double(images)
            }
            values["teacherLoss"] = mean(\.teacherLoss)
            values["studentLoss"] = mean(\.studentLoss)
        }
        let scores = records.flatMap(\.scores)
        let labels = scores.map { $0.label == 1 }
        guard labels.contains(true), labels.contains(false) else { return }
        values["validationBags"] = Double(scores.count)
        // Of scores that know nothing the area has this deviation around one half (Mann and Whitney 1947).
        let (positives, negatives) = (Double(labels.count { $0 }), Double(labels.count { !$0 }))
        let deviation = ((positives + negatives + 1) / (12 * positives * negatives)).squareRoot()
        values["validationAUC.byChance"] = min(1, 0.5 + 1.645 * deviation)
        let heads: [(String, (MILTrainRecord.Score) -> Float)] = [
            ("attention", { $0.attention }), ("dsmil", { $0.dsmil }), ("student", { $0.student }),
        ]
        var areas: [Double] = []
        for (head, pick) in heads {
            guard let area = try ROCCurve.area(scores: scores.map { Double(pick($0)) }, isPositive: labels) else { continue }
            values["validationAUC.\(head)"] = area
            areas.append(area)
        }
        // The mean of the three decides which round is best: one alone is noisy on few bags.
        values["validationAUC"] = areas.reduce(0, +) / Double(areas.count)
    }

    /// A head that validation bags show to be of no use, or to have learnt the wrong way round.
    static func warnings(of metrics: [String: Double]) -> [String] {
        guard let limit = metrics["validationAUC.byChance"], let bags = metrics["validationBags"] else { return [] }
        let heads = [("attention", "the attention teacher"), ("dsmil", "the DSMIL teacher"), ("student", "the student")]
        return heads.compactMap { head, name in
            guard let area = metrics["validationAUC.\(head)"], area < limit else { return nil }
            let said = String(format: "AUC %.2f on %d validation bags", area, Int(bags))
            return area < 1 - limit
                ? "\(name) has learnt the wrong way round (\(said)): do not use its scores"
                : "\(name) is no better than chance (\(said)): do not rely on its scores"
        }
    }
}
