/// What there is to say about the truth itself, centre by centre: nothing for truth in the plain form.
///
/// A centre that was not measured has a row `measured` without a value, whose note is the reason. One whose masks were read
/// with something taken for granted, or not all of them, has a row `usable-masks`.
struct TruthSummary {
    let findings: [(centre: String, findings: EvaluationFindings)]
    /// All centres of the job.
    let centres: [String]
    let withoutTruth: Set<String>
    let dataset: String

    func rows() -> [ResultRow.EvaluationRow] {
        // An archive without any truth has nothing to evaluate, and needs no row to say so.
        guard withoutTruth.count < centres.count else { return [] }
        return centres.flatMap { centre -> [ResultRow.EvaluationRow] in
            guard let found = findings.first(where: { $0.centre == centre })?.findings else {
                return [
                    notMeasured(
                        centre,
                        withoutTruth.contains(centre)
                            ? "the centre brings no truth along"
                            : "its shard of evaluate did not come through: `endoked status` says why")
                ]
            }
            return (found.reason.map { [notMeasured(centre, $0)] } ?? []) + masks(centre, found)
        }
    }

    private func masks(_ centre: String, _ found: EvaluationFindings) -> [ResultRow.EvaluationRow] {
        let all = found.masks + found.unusableMasks
        guard found.unusableMasks > 0 || !found.assumptions.isEmpty else { return [] }
        let assumed = found.assumptions.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }
        let lost = found.unusableMasks == 0 ? [] : ["\(found.unusableMasks) of \(all) masks cannot be used: see items.csv"]
        return [
            row(centre, "mask", "usable-masks", Double(found.masks), count: all, note: (lost + assumed).joined(separator: "; "))
        ]
    }

    private func notMeasured(_ centre: String, _ reason: String) -> ResultRow.EvaluationRow {
        row(centre, "centre", "measured", nil, count: 0, note: "not measured: \(reason)")
    }

    private func row(
        _ centre: String, _ level: String, _ metric: String, _ value: Double?, count: Int, note: String
    ) -> ResultRow.EvaluationRow {
        .init(
            subject: "truth", model: nil, dataset: dataset, centre: centre, level: level, head: "", metric: metric,
            value: value, count: count, note: note)
    }
}
