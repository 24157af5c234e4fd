import Foundation
import Ledger
import Stages

/// How far the labels of each step that measures it agree with those that taught its generation, a row a step.
struct GenerationTable {
    /// In the order of the pipeline.
    let stages: [String]
    let rounds: [Round]

    /// Nil where no step measured it.
    var text: String? {
        let found = stages.compactMap { stage in Self.agreement(of: stage, rounds).map { (stage, $0) } }
        guard !found.isEmpty else { return nil }
        var table = [["labels of", "agreement", "Dice", "images", "stayed", "came", "went"]]
        for (stage, agreement) in found {
            table.append(
                [stage, Terminal.number(agreement.value), agreement.dice.map { Terminal.number($0) } ?? "–", "\(agreement.images)"]
                    + [agreement.stayed, agreement.came, agreement.went].map(Self.percent))
        }
        return Terminal.table(table)
    }

    /// What the last finished round of a step says; nil where it says nothing of it.
    static func agreement(of stage: String, _ rounds: [Round]) -> Agreement? {
        let last = rounds.filter { $0.stage == stage && $0.finishedAt != nil }.max { $0.round < $1.round }
        return last.flatMap { try? JSONDecoder().decode([String: Double].self, from: $0.metrics) }.flatMap { Agreement(metrics: $0) }
    }

    static func sentence(_ agreement: Agreement) -> String {
        "agrees by \(Terminal.number(agreement.value)) with what taught it ("
            + (agreement.dice.map { "Dice \(Terminal.number($0)); " } ?? "")
            + "of \(agreement.images) images \(percent(agreement.stayed)) stayed, \(percent(agreement.came)) came, "
            + "\(percent(agreement.went)) went)"
    }

    private static func percent(_ share: Double) -> String { "\(Int((share * 100).rounded())) %" }
}
