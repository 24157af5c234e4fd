import Ledger

/// Evaluations as people compare them: a row a measure, a column a centre, with 95 % confidence intervals.
struct EvaluationTable {
    let rows: [EvaluationRow]
    /// The stage that makes them; nil where the pipeline has none.
    let stage: JobStage?

    var text: String {
        guard !rows.isEmpty else { return nothing }
        let centres = Array(Set(rows.map(\.centre)).subtracting(["all"])).sorted() + ["all"]
        var measures: [Measure] = []
        for row in rows where !measures.contains(Measure(row)) { measures.append(Measure(row)) }
        var table = [["what", "head", "metric", "split"] + centres]
        for measure in measures {
            table.append(
                ["\(measure.subject) \(measure.level)", measure.head, measure.metric, measure.dataSet]
                    + centres.map { centre in
                        rows.first { $0.centre == centre && Measure($0) == measure }.map(Self.cell) ?? ""
                    })
        }
        return ([Terminal.table(table)] + (notes.isEmpty ? [] : [notes.joined(separator: "\n")])).joined(separator: "\n\n")
    }

    /// Why there is no row.
    private var nothing: String {
        guard let stage else { return "no evaluations: the pipeline has no stage evaluate" }
        switch stage.state {
        case .complete, .partial: return "no evaluations: the archive holds no truth about what was found"
        case .failed: return "no evaluations: the stage evaluate failed" + (stage.message.isEmpty ? "" : ": \(stage.message)")
        default: return "no evaluations: the stage evaluate is \(stage.state.rawValue)"
        }
    }

    /// What there is to say about each centre's truth.
    private var notes: [String] {
        rows.filter { $0.subject == "truth" && !$0.note.isEmpty }.map { "\($0.centre): \($0.note)" }
    }

    private struct Measure: Equatable {
        var subject, level, head, metric, dataSet: String

        init(_ row: EvaluationRow) {
            subject = row.subject
            level = row.level
            head = row.head
            metric = row.metric
            dataSet = row.dataSet
        }
    }

    private static func cell(_ row: EvaluationRow) -> String {
        guard let value = row.value else { return "– (n \(row.count))" }
        var text = Terminal.number(value)
        if let lower = row.lower, let upper = row.upper {
            text += " [\(Terminal.number(lower, digits: 2))–\(Terminal.number(upper, digits: 2))]"
        }
        return text + " n \(row.count)"
    }
}
