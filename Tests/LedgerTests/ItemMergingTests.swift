import Foundation
import Ledger
import Testing

/// What several shards, or one in several rounds, say of one item.
@Suite struct ItemMergingTests {
    private func item(
        _ image: String, _ reason: String = "truncated", _ message: String = "it ends early",
        status: ItemStatusRow.Status = .failed
    ) -> ResultRow {
        .itemStatus(
            ItemStatusRow(
                centre: "north", study: "s", image: image, status: status, reason: reason, message: message))
    }

    private func claim(_ test: TestLedger, rounds: Range<Int32>, shards: Int = 1) throws -> [ClaimedShard] {
        for round in rounds {
            try test.ledger.enqueue(
                job: test.job, stage: "train", round: round,
                shards: (0..<shards).map { NewShard(key: "replica \($0)", centre: "north", input: Data("{}".utf8)) })
        }
        return try test.claim(rounds.count * shards)
    }

    @Test func aDamagedImageIsReportedInEveryRoundAndKeptOnce() throws {
        let test = try TestLedger()
        for shard in try claim(test, rounds: 0..<3) {
            #expect(try test.ledger.commit([shard.committed(rows: [item("7.jpg")])]) == [.accepted])
        }
        let kept = try test.ledger.itemStatuses(job: test.job, stage: "train")
        #expect(kept.map(\.image) == ["7.jpg"] && kept.map(\.message) == ["it ends early"])
        // The reduce says it as well.
        try test.ledger.writeRows(job: test.job, stage: "train", [item("7.jpg"), item("7.jpg")])
        #expect(try test.ledger.itemStatuses(job: test.job, stage: "train") == kept)
    }

    @Test func shardsOfOneGroupMayNameOneImage() throws {
        let test = try TestLedger()
        let shards = try claim(test, rounds: 0..<1, shards: 3)
        let outcomes = try test.ledger.commit(shards.map { $0.committed(rows: [item("7.jpg"), item("\($0.key).jpg")]) })
        #expect(outcomes == [.accepted, .accepted, .accepted])
        #expect(try test.ledger.itemStatuses(job: test.job, stage: "train").count == 4)
    }

    @Test func theWorstStatusStaysAndNoProblemIsLost() throws {
        let test = try TestLedger()
        let shards = try claim(test, rounds: 0..<2)
        let first = shards[0].committed(rows: [
            item("7.jpg", "mask", "of the wrong size"), item("7.jpg", "mask", "of no colour known"),
            item("7.jpg", "truncated", "b", status: .failed), item("8.jpg", "odd", "x", status: .skipped),
        ])
        let second = shards[1].committed(rows: [
            item("7.jpg", "truncated", "a", status: .skipped), item("8.jpg", "odd", "x", status: .failed),
        ])
        #expect(try test.ledger.commit([first]) == [.accepted])
        #expect(try test.ledger.commit([second]) == [.accepted])
        let kept = try test.ledger.itemStatuses(job: test.job, stage: "train")
        #expect(
            kept.map { "\($0.image) \($0.reason) \($0.status): \($0.message)" } == [
                "7.jpg mask failed: of the wrong size; of no colour known", "7.jpg truncated failed: a", "8.jpg odd failed: x",
            ])
        // In the other order the same comes of it.
        let other = try TestLedger()
        let again = try claim(other, rounds: 0..<2)
        #expect(try other.ledger.commit([again[1].committed(rows: second.rows)]) == [.accepted])
        #expect(try other.ledger.commit([again[0].committed(rows: first.rows)]) == [.accepted])
        #expect(try other.ledger.itemStatuses(job: other.job, stage: "train") == kept)
    }
}
