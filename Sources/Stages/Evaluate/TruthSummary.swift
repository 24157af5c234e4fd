/// What there is to say about the truth itself, centre by centre: nothing for truth in the plain form.
///
/// A centre that was not measured has a row `measured` without a value, whose note is the reason. One whose masks were read
/// with something taken for granted, or not all of them, has a row `usable-masks`. One of whose shards some were set aside has
/// a row `measured` with the share of those that came through.
struct TruthSummary {
    let findings: [(centre: String, findings: EvaluationFindings)]
    /// All centres of the job.
    let centres: [String]
    let withoutTruth: Set<String>
    /// By centre, how many of its shards came through, and of how many.
    let shards: [String: (done: Int, all: Int)]
    let splits: [String]

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
                            : "no shard of its evaluation came through: `endoked status` says why")
                ]
            }
            return (found.reason(splits: splits).map { [notMeasured(centre, $0)] } ?? missing(centre)) + masks(centre, found)
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

    private func missing(_ centre: String) -> [ResultRow.EvaluationRow] {
        guard let (done, all) = shards[centre], done < all else { return [] }
        return [
            row(
                centre, "centre", "measured", Double(done) / Double(all), count: all,
                note: "\(all - done) of \(all) shards of its evaluation were set aside; what stands here is of the others")
        ]
    }

    private func notMeasured(_ centre: String, _ reason: String) -> ResultRow.EvaluationRow {
        row(centre, "centre", "measured", nil, count: 0, note: "not measured: \(reason)")
    }

    private func row(
        _ centre: String, _ level: String, _ metric: String, _ value: Double?, count: Int, note: String
    ) -> ResultRow.EvaluationRow {
        .init(
            subject: "truth", model: nil, dataset: splits.first ?? "", centre: centre, level: level, head: "", metric: metric,
            value: value, count: count, note: note)
    }
}
