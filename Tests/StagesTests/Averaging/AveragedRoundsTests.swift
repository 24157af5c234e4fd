import Digest
import Foundation
import NeuralNetwork
import Stages
import Testing

/// The reduction of a round of training, on parameters made up for it: the same for all stages that average.
@Suite struct AveragedRoundsTests {
    private let ledger = MemoryLedger(seed: 1, centres: ["east", "west"])

    private func settings(_ averaging: String, _ more: String = "") throws -> StageSettings {
        let text = "{stages: [{stage: 'segment-train', labels: 'truth', rounds: 3, averaging: '\(averaging)' \(more)}]}"
        return try Pipeline(json5: Data(text.utf8), registry: .standard).steps[0].settings
    }

    private func set(_ first: [Float], _ second: [Float]) throws -> ParameterSet {
        try ParameterSet(entries: [
            .init(name: "a", shape: [first.count], values: first), .init(name: "b", shape: [second.count], values: second),
        ])
    }

    private func record(
        _ key: String, samples: Int, base: SHA256Digest, delta: ParameterSet? = nil, dice: Double? = nil
    ) throws -> ShardRecord {
        let fields: [String: Any] = [
            "kind": delta == nil ? "validate" : "train", "images": samples, "loss": Double(samples) / 4, "unreadable": 0,
            "sums": dice.map { ["dice": $0 * Double(samples)] } ?? [:], "scores": [],
            "base": try #require(try JSONSerialization.jsonObject(with: JSONEncoder().encode([base])) as? [Any])[0],
        ]
        return ShardRecord(
            key: key, centre: "east", record: try JSONSerialization.data(withJSONObject: fields),
            blobs: try delta.map { [try ledger.store($0.encoded())] } ?? [])
    }

    /// Replicas of 1, 20, 3 samples, the second one's delta perhaps not like the others.
    private func replicas(base: ParameterSet, broken: Bool = false) throws -> [ShardRecord] {
        let digest = try ledger.store(base.encoded())
        return try [1, 20, 3].enumerated().map { number, samples in
            let values = [Float](repeating: Float(number + 1), count: 3)
            let delta = broken && number == 1 ? try ParameterSet(entries: []) : try set(values, [Float(number), -1])
            return try record("train/east/0000\(number)", samples: samples, base: digest, delta: delta)
        }
    }

    @Test func aMeanWeighsByShareOfSamples() throws {
        let outcome = try SegmentTrainStage().reduce(
            round: 0, records: replicas(base: set([0, 0, 0], [0, 0])), settings: settings("fedavg"), view: ledger)
        let shares: [Double] = [1, 20, 3].map { $0 / 24 }
        #expect(outcome.contributions.map(\.weight) == shares)
        #expect(outcome.warnings.isEmpty)
    }

    /// A rule that looks at values alone has no use for samples: their shares would be weights that nobody applied.
    @Test func aRobustRuleGivesEachReplicaOneVoteAndWarnsWhereTheyDiffer() throws {
        let base = try set([0, 0, 0], [0, 0])
        let outcome = try SegmentTrainStage().reduce(
            round: 0, records: replicas(base: base), settings: settings("median"), view: ledger)
        let third = 1.0 / 3
        #expect(outcome.contributions.map(\.weight) == [third, third, third])
        #expect(outcome.contributions.map(\.samples) == [1, 20, 3])
        #expect(outcome.warnings.count == 1 && outcome.warnings[0].contains("tenfold"))
        #expect(try ParameterSet(decoding: #require(outcome.model)) == set([2, 2, 2], [1, -1]))
        // One without samples has no vote.
        var records = try replicas(base: base)
        records.append(
            try record("train/west/00000", samples: 0, base: ledger.store(base.encoded()), delta: base.zeros))
        let other = try SegmentTrainStage().reduce(round: 0, records: records, settings: settings("median"), view: ledger)
        #expect(other.contributions.map(\.weight) == [third, third, third, 0])
        #expect(other.model == outcome.model)
    }

    /// The next delta is not read before the one before it was folded: so a broken one ends the reduction before the third is
    /// touched.
    @Test(arguments: ["fedavg", "diloco", "median"])
    func deltasAreReadOneAfterTheOther(averaging: String) throws {
        let view = WatchedView(ledger)
        let records = try replicas(base: set([0, 0, 0], [0, 0]), broken: true)
        #expect(throws: StageError.self) {
            try SegmentTrainStage().reduce(round: 0, records: records, settings: settings(averaging), view: view)
        }
        #expect(view.wholes.contains(records[1].blobs[0]) && !view.wholes.contains(records[2].blobs[0]))
    }

    @Test func aRobustRuleReadsTensorByTensor() throws {
        let view = WatchedView(ledger)
        let records = try replicas(base: set([0, 0, 0], [0, 0]))
        let outcome = try SegmentTrainStage().reduce(round: 0, records: records, settings: settings("median"), view: view)
        #expect(outcome.model != nil)
        for record in records {
            #expect(view.wholes.count { $0 == record.blobs[0] } == 1)
            #expect(view.parts.filter { $0.digest == record.blobs[0] }.map(\.bytes.count) == [12, 8])
        }
        // All replicas of one tensor before any of the next.
        #expect(view.parts.map(\.bytes.count) == [12, 12, 12, 8, 8, 8])
    }

    /// The best model is stored since it was a round's outcome: the state names it, however large, and however often the
    /// momentum beside it changes.
    @Test func theBestModelIsNamedAndNotStoredAgain() throws {
        let large = [Float](repeating: 0, count: 10_000)
        let base = try set(large, [0, 0])
        let digest = try ledger.store(base.encoded())
        let delta = try set(large.map { _ in 1 }, [1, 1])
        let records = [
            try record("train/east/00000", samples: 2, base: digest, delta: delta),
            try record("validate/east/00000", samples: 4, base: digest, dice: 0.5),
        ]
        let best = ", select: 'best'"
        let first = try SegmentTrainStage().reduce(
            round: 0, records: records, settings: settings("fedavg", best), view: ledger)
        let state = try #require(first.state)
        #expect(state.count < 500, "\(state.count) bytes")
        // A worse round after it; the closing round hands the best one on.
        let view = WatchedView(ledger, state: try ledger.store(state))
        let moved = try ledger.store(try #require(first.model))
        let worse = [try record("validate/east/00000", samples: 4, base: moved, dice: 0.25)]
        let last = try SegmentTrainStage().reduce(round: 3, records: worse, settings: settings("fedavg", best), view: view)
        #expect(last.model == base.encoded() && last.metrics["selectedRound"] == 0)
        // As states were written before: the model's bytes within.
        var old = Data(#"{"bestArea":0.5,"bestRound":0,"bestBytes":\#(base.encoded().count),"momentumBytes":0}"#.utf8)
        old += Data("\n".utf8) + base.encoded()
        let earlier = WatchedView(ledger, state: try ledger.store(old))
        let same = try SegmentTrainStage().reduce(round: 3, records: worse, settings: settings("fedavg", best), view: earlier)
        #expect(same.model == last.model && same.metrics == last.metrics)
    }
}
