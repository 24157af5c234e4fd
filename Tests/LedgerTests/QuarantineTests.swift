import Foundation
import Ledger
import PostgreSQL
import Testing

@Suite struct QuarantineTests {
    /// A ledger with one shard of `labels` set aside.
    private func setAside() throws -> TestLedger {
        let test = try TestLedger()
        try test.enqueue(1, centre: "north")
        var policy = RetryPolicy()
        policy.maxTaskErrors = 1
        let shard = try test.claim(1)[0]
        let outcome = try test.ledger.fail(
            shard.lease, worker: .a, code: "numeric", error: "the loss is not finite", isInfrastructureLoss: false,
            policy: policy)
        #expect(outcome == .quarantined)
        return test
    }

    @Test func theListNamesWorkerAndReason() throws {
        let test = try setAside()
        let listed = try #require(try test.ledger.status(job: test.job).jobs.first?.quarantined.first)
        #expect(listed.worker == "a" && listed.code == "numeric" && listed.error == "the loss is not finite")
        #expect(listed.centre == "north" && listed.stage == "labels")
        let input = try test.ledger.inputs(of: [listed.shard])[listed.shard]
        #expect(input == Data("{\"n\":0}".utf8))
    }

    @Test func aFailedJobIsTakenUpAgainWithItsShards() throws {
        let test = try setAside()
        try test.ledger.setStageState(test.job, stage: "labels", .failed, message: "set aside")
        try test.ledger.setJobState(test.job, .failed, message: "set aside")
        #expect(try test.claim(1).isEmpty)
        #expect(try test.ledger.requeueQuarantined(job: test.job, stage: "train") == 0)
        #expect(try test.ledger.job(test.job)?.state == .failed, "nothing to give back, nothing changed")
        #expect(try test.ledger.requeueQuarantined(job: test.job) == 1)
        let job = try #require(try test.ledger.job(test.job))
        #expect(job.state == .running && job.message.isEmpty && job.finishedAt == nil)
        #expect(job.stages.first?.state == .running)
        #expect(try test.claim(1).count == 1)
    }

    @Test func shardsOfAFoldedRoundStayAsTheyAre() throws {
        let test = try setAside()
        try test.ledger.finishRound(
            job: test.job, stage: "labels", round: 0, rows: [], model: nil, contributions: [], metrics: Data("{}".utf8))
        #expect(try test.ledger.requeueQuarantined(job: test.job) == 0)
        #expect(try test.ledger.quarantined(job: test.job).count == 1)
    }

    @Test func aCancelledJobIsNotTakenUp() throws {
        let test = try setAside()
        _ = try test.ledger.cancelJob(test.job, message: "")
        #expect(try test.ledger.requeueQuarantined(job: test.job) == 0)
        #expect(try test.ledger.job(test.job)?.state == .cancelled)
    }
}
