import Digest
import Foundation
import Ledger
import PostgreSQL
import Testing

@Suite struct RoundTests {
    private func parameters(_ round: Int32) -> Data { Data("parameters of round \(round)".utf8) }

    private func finish(_ round: Int32, _ test: TestLedger, base: SHA256Digest?) throws -> SHA256Digest {
        let ledger = test.ledger
        try ledger.openRound(job: test.job, stage: "train", round: round, expected: 3, base: base)
        try ledger.enqueue(
            job: test.job, stage: "train", round: round,
            shards: [
                NewShard(
                    key: "replica-0", centre: "north", input: Data("{}".utf8), blobs: base.map { [$0] } ?? [],
                    needsUniformSetup: true)
            ])
        let shard = try test.claim(1)[0]
        let delta = try ledger.putBlob(Data("delta of round \(round)".utf8))
        var commit = shard.committed()
        commit.blobs = [delta]
        #expect(try ledger.commit([commit]) == [.accepted])
        let result = try ledger.putBlob(parameters(round))
        let contributions = [
            Contribution(replica: "replica-0", centre: "north", samples: 30, weight: 0.75, loss: 0.4, delta: delta),
            Contribution(replica: "replica-1", centre: "north", samples: 10, weight: 0.25, loss: 0.8, delta: nil),
            Contribution(
                replica: "replica-2", centre: "south", samples: 10, weight: 0, loss: 99, delta: nil,
                rejected: "norm of its delta"),
        ]
        // Twice: a coordinator that died after its commit repeats the reduce.
        for _ in 0..<2 {
            try ledger.finishRound(
                job: test.job, stage: "train", round: round,
                rows: [
                    .evaluation(
                        EvaluationRow(
                            model: result, dataSet: "validation", centre: "all", level: "bag", metric: "auc", value: 0.7,
                            count: 9))
                ],
                model: ModelDescription(digest: result, parameterCount: 11, description: "round \(round)"),
                contributions: contributions, metrics: Data(#"{"validationAUC": 0.7, "note": "x"}"#.utf8))
        }
        return result
    }

    @Test func roundsKeepTheirHistoryAndLetOldBytesGo() throws {
        let test = try TestLedger()
        #expect(try test.ledger.finalModel(job: test.job, stage: "train") == nil)
        var base: SHA256Digest?
        var results = [SHA256Digest]()
        for round in 0..<4 as Range<Int32> {
            let result = try finish(round, test, base: base)
            results.append(result)
            base = result
        }
        let rounds = try test.ledger.rounds(job: test.job, stage: "train")
        #expect(rounds.map(\.round) == [0, 1, 2, 3])
        #expect(rounds.map(\.result) == results)
        #expect(rounds.map(\.base) == [nil] + results.dropLast())
        #expect(rounds[3].received == 3 && rounds[3].rejected == 1 && rounds[3].expected == 3)
        #expect(abs((rounds[3].loss ?? 0) - 0.5) < 1e-12, "0.75·0.4 + 0.25·0.8; the rejected one does not count")
        #expect(rounds[3].validationAUC == 0.7)
        #expect(try test.ledger.finalModel(job: test.job, stage: "train")?.digest == results[3])
        #expect(try test.ledger.contributions(job: test.job, stage: "train", round: 3).map(\.rejected) == [nil, nil, "norm of its delta"])
        #expect(try test.ledger.evaluations(job: test.job).count == 4)

        // Rounds 0 and 1 let go of their blobs; 1's result is 2's base and stays.
        #expect(try test.ledger.sweepOrphanBlobs(olderThan: .seconds(3600)) == 0, "young orphans are left alone")
        try test.direct().executeScript(
            "UPDATE blob SET created_at = now() - interval '1 day'; UPDATE blob_chunk SET created_at = now() - interval '1 day'")
        _ = try test.ledger.sweepOrphanBlobs(olderThan: .seconds(3600))
        #expect(try test.ledger.hasBlobs(results) == Set(results[1...]))
        #expect(try test.ledger.blob(results[3]) == parameters(3))
        #expect(ledgerErrorCode { _ = try test.ledger.blob(results[0]) } == .missingBlob)
        #expect(
            try test.direct().execute("SELECT 1 FROM blob_chunk c WHERE NOT EXISTS (SELECT 1 FROM blob b WHERE b.digest = c.digest)")
                .isEmpty)
        #expect(try test.ledger.status(job: test.job).jobs.first?.rounds == rounds)
    }

    @Test func resultMustBeInTheLedger() throws {
        let test = try TestLedger()
        let absent = SHA256Digest(hashing: Data("absent".utf8))
        #expect(
            ledgerErrorCode {
                try test.ledger.openRound(job: test.job, stage: "train", round: 0, expected: 1, base: absent)
            } == .missingBlob)
        #expect(
            ledgerErrorCode {
                try test.ledger.finishRound(
                    job: test.job, stage: "train", round: 0, rows: [],
                    model: ModelDescription(digest: absent, parameterCount: 1, description: ""), contributions: [],
                    metrics: Data("{}".utf8))
            } == .missingBlob)
        #expect(try test.ledger.rounds(job: test.job, stage: "train").isEmpty)
    }
}
