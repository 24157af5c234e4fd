import Evaluation

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
}
