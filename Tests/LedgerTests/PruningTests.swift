import Digest
import Foundation
import Ledger
import PostgreSQL
import Testing

/// What is removed of rounds, stages and jobs, and what is not.
@Suite struct PruningTests {
    /// Makes everything that is in the ledger look a day old.
    private func age(_ test: TestLedger) throws {
        try test.direct().executeScript(
            "UPDATE blob SET created_at = now() - interval '1 day'; UPDATE blob_chunk SET created_at = now() - interval '1 day'")
    }

    /// Trains `rounds` rounds of one replica; returns the contents by what they are.
    private func train(_ test: TestLedger, rounds: Int32 = 3) throws -> [String: SHA256Digest] {
        let ledger = test.ledger
        var contents: [String: SHA256Digest] = [:]
        func put(_ name: String) throws -> SHA256Digest {
            let digest = try ledger.putBlob(Data(name.utf8))
            contents[name] = digest
            return digest
        }
        try ledger.setStageState(test.job, stage: "train", .running, message: "")
        var base = try put("base")
        for round in 0..<rounds {
            try ledger.openRound(job: test.job, stage: "train", round: round, expected: 1, base: base)
            try ledger.enqueue(
                job: test.job, stage: "train", round: round,
                shards: [NewShard(key: "replica", centre: "north", input: Data("{}".utf8), blobs: [base])])
            var commit = try test.claim(1)[0].committed(
                rows: round == 0
                    ? [
                        .mask(MaskRow(centre: "north", study: "s", image: "1.png", kind: "cam", blob: try put("mask"))),
                        .bagScore(BagScoreRow(centre: "north", study: "s", head: "h", probability: 0.5)),
                        .picture(
                            PictureRow(
                                centre: "north", study: "s", image: "1.png", kind: "overlay", digest: SHA256Digest(hashing: Array("x".utf8))
                            )),
                    ] : [])
            commit.blobs = [try put("delta \(round)")] + (round == 0 ? [try put("mask")] : [])
            #expect(try ledger.commit([commit]) == [.accepted])
            let result = try put("result \(round)")
            let released = try ledger.finishRound(
                job: test.job, stage: "train", round: round, rows: [],
                model: ModelDescription(digest: result, parameterCount: 1, description: ""), contributions: [],
                metrics: Data("{}".utf8), state: try put("state \(round)"))
            if round == 2 { #expect(Set(released).isSuperset(of: [contents["delta 0"], contents["state 0"]].compactMap { $0 })) }
            base = result
        }
        return contents
    }

    private func kept(_ test: TestLedger, _ contents: [String: SHA256Digest]) throws -> [String] {
        let there = try test.ledger.hasBlobs(Array(contents.values))
        return contents.filter { there.contains($0.value) }.keys.sorted()
    }

    @Test func whatARoundLetsGoOfGoesAtOnceUnlessItIsYoung() throws {
        let test = try TestLedger()
        let contents = try train(test)
        #expect(try test.ledger.removeContents(Array(contents.values)) == 0, "somebody may be about to name them")
        try age(test)
        try test.ledger.removeContents(Array(contents.values))
        #expect(
            try kept(test, contents) == [
                "delta 1", "delta 2", "mask", "result 0", "result 1", "result 2", "state 1", "state 2",
            ], "the last two rounds with what they began with")
        #expect(
            try test.direct().execute("SELECT 1 FROM blob_chunk c WHERE NOT EXISTS (SELECT 1 FROM blob b WHERE b.digest = c.digest)")
                .isEmpty)
    }

    @Test func aStageThatIsOverKeepsWhatItMade() throws {
        let test = try TestLedger()
        let contents = try train(test)
        try age(test)
        // What rounds let go of while it ran.
        try test.ledger.sweepOrphanBlobs(olderThan: .seconds(60))
        try test.ledger.setStageState(test.job, stage: "train", .complete, message: "")
        try test.ledger.releaseContents(ofStage: "train", job: test.job)
        #expect(try kept(test, contents) == ["mask", "result 2"])
        #expect(try test.ledger.releaseContents(ofStage: "train", job: test.job) == 0)
        #expect(try test.ledger.finalModel(job: test.job, stage: "train")?.digest == contents["result 2"])
        #expect(try test.ledger.rounds(job: test.job, stage: "train").map(\.result).count == 3, "digests stay on record")
    }

    @Test func aStageThatFailedKeepsWhatItNeedsToGoOn() throws {
        let test = try TestLedger()
        let contents = try train(test)
        try age(test)
        try test.ledger.setStageState(test.job, stage: "train", .failed, message: "")
        try test.ledger.setJobState(test.job, .failed, message: "")
        try test.ledger.sweepOrphanBlobs(olderThan: .zero)
        let there = try kept(test, contents)
        #expect(there.contains("state 2") && there.contains("result 2") && there.contains("delta 2"))
    }

    @Test func aPrunedJobKeepsItsModelsUnlessAsked() throws {
        let test = try TestLedger()
        let contents = try train(test)
        try test.ledger.writeRows(
            job: test.job, stage: "train",
            [
                .evaluation(
                    EvaluationRow(model: nil, dataSet: "test", centre: "all", level: "bag", metric: "auc", value: 0.9, count: 1))
            ])
        #expect(ledgerErrorCode { _ = try test.ledger.prune(PruneSelection(jobs: [test.job])) } == .invalid, "it runs")
        try test.ledger.setStageState(test.job, stage: "train", .failed, message: "")
        try test.ledger.setJobState(test.job, .failed, message: "x")
        #expect(try test.ledger.prune(PruneSelection(endedBefore: .seconds(3600))).jobs.isEmpty, "it ended just now")

        let trial = try test.ledger.prune(PruneSelection(jobs: [test.job]), isTrial: true)
        #expect(trial.jobs.map(\.id) == [test.job] && trial.jobs.map(\.shards) == [3])
        #expect(try kept(test, contents).contains("mask") && test.ledger.counts(job: test.job, stage: "train").done == 3)

        let report = try test.ledger.prune(PruneSelection(jobs: [test.job]))
        #expect(report.contents == trial.contents && report.contentBytes == trial.contentBytes && report.contents > 3)
        #expect(try kept(test, contents) == ["result 2"])
        #expect(try test.ledger.masks(job: test.job, stage: "train").isEmpty)
        #expect(try test.ledger.pictures(job: test.job, stage: "train").isEmpty)
        #expect(try test.ledger.bagScores(job: test.job, stage: "train").isEmpty)
        #expect(try test.ledger.evaluations(job: test.job).count == 1)
        #expect(try test.ledger.job(test.job)?.message.contains("pruned") == true)
        #expect(ledgerErrorCode { try test.ledger.resumeJob(test.job) } == .invalid)
        #expect(try test.ledger.vacuum(isFull: true) > 0)

        try test.direct().executeScript("UPDATE job SET finished_at = now() - interval '40 days'")
        #expect(try test.ledger.prune(PruneSelection(endedBefore: .seconds(86_400 * 30))).jobs.isEmpty, "it was pruned")
        let all = try test.ledger.prune(PruneSelection(endedBefore: .seconds(86_400 * 30), takesModels: true))
        #expect(all.jobs.map(\.id) == [test.job])
        #expect(try kept(test, contents).isEmpty && test.ledger.job(test.job) == nil)
        #expect(ledgerErrorCode { _ = try test.ledger.prune(PruneSelection(jobs: [test.job])) } == .unknownJob)
    }

    @Test func aSharedContentStaysWithTheJobThatNeedsIt() throws {
        let test = try TestLedger()
        let contents = try train(test)
        let other = try test.ledger.createJob(pipeline: Data("{}".utf8), seed: 1, archive: "b", steps: [NewStep("cam")])
        try test.ledger.openRound(job: other, stage: "cam", round: 0, expected: 1, base: contents["result 2"])
        try test.ledger.setJobState(test.job, .complete, message: "")
        try age(test)
        #expect(try test.ledger.prune(PruneSelection(jobs: [test.job], takesModels: true)).jobs.count == 1)
        #expect(try kept(test, contents) == ["result 2"])
    }
}
