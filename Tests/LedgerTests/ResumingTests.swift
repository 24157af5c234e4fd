import Foundation
import Ledger
import Testing

@Suite struct ResumingTests {
    @Test func aFailedJobGoesOnWithWhatItHad() throws {
        let test = try TestLedger()
        try test.enqueue(4)
        try test.ledger.openRound(job: test.job, stage: "labels", round: 0, expected: 4, base: nil)
        try test.ledger.setStageState(test.job, stage: "labels", .running, message: "")
        let shards = try test.claim(3)
        #expect(try test.ledger.commit([shards[0].committed()]) == [.accepted])
        #expect(
            try test.ledger.fail(
                shards[1].lease, worker: .a, code: "parameters", error: "", isInfrastructureLoss: false,
                isDeterministic: true) == .quarantined)
        try test.ledger.setStageState(test.job, stage: "labels", .failed, message: "x")
        try test.ledger.setJobState(test.job, .failed, message: "stage labels: x")
        #expect(try test.ledger.commit([shards[2].committed()]) == [.stale])

        #expect(try test.ledger.resumeJob(test.job) == 3, "one was set aside, two were cancelled")
        let job = try #require(try test.ledger.activeJobs().first)
        #expect(job.message.isEmpty && job.finishedAt == nil && job.stages.map(\.state) == [.pending, .pending])
        let counts = try test.counts()
        #expect(counts.kept == counts.counted)
        #expect(counts.kept.done == 1 && counts.kept.queued == 3 && counts.kept.taskErrors == 0)
        let again = try test.claim(9)
        #expect(again.map(\.fence).sorted() == [1, 2, 2], "fences go on")
        #expect(try test.ledger.commit(again.map { $0.committed() }) == [.accepted, .accepted, .accepted])
        #expect(ledgerErrorCode { try test.ledger.resumeJob(test.job) } == .invalid, "it runs")
    }

    @Test func roundsThatAreOverStayAsTheyAre() throws {
        let test = try TestLedger()
        try test.enqueue(2)
        let shards = try test.claim(2)
        #expect(try test.ledger.commit([shards[0].committed()]) == [.accepted])
        _ = try test.ledger.fail(
            shards[1].lease, worker: .a, code: "numeric", error: "", isInfrastructureLoss: false, isDeterministic: true)
        try test.ledger.finishRound(
            job: test.job, stage: "labels", round: 0, rows: [], model: nil, contributions: [], metrics: Data("{}".utf8))
        #expect(try test.ledger.cancelJob(test.job, message: "enough"))
        #expect(try test.ledger.resumeJob(test.job) == 0)
        #expect(try test.counts().kept.quarantined == 1)
    }

    @Test func whatCameToItsEndOrIsNotThereIsRefused() throws {
        let test = try TestLedger()
        try test.ledger.setJobState(test.job, .complete, message: "")
        #expect(ledgerErrorCode { try test.ledger.resumeJob(test.job) } == .invalid)
        #expect(ledgerErrorCode { try test.ledger.resumeJob(JobID(99)) } == .unknownJob)
    }
}
