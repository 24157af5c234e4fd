import Foundation
import Ledger
import PostgreSQL
import Testing

@Suite struct FailingTests {
    /// Claims the only shard, whatever pause its last failure asked for.
    private func claimNow(_ test: TestLedger) throws -> ClaimedShard? {
        try test.direct().execute("UPDATE shard SET available_at = now() WHERE state = 'queued'")
        return try test.claim(1).first
    }

    @Test func taskErrorsQuarantineAfterThree() throws {
        let test = try TestLedger()
        try test.enqueue(1)
        for attempt in 1...3 {
            let shard = try #require(try claimNow(test))
            let outcome = try test.ledger.fail(
                shard.lease, worker: .a, code: "decode", error: "image 7: truncated", isInfrastructureLoss: false)
            if attempt < 3 {
                guard case .requeued(let backoff) = outcome else {
                    Issue.record("\(outcome)")
                    return
                }
                let base = Double(1 << (attempt - 1))
                #expect((0.8 * base...1.2 * base).contains(backoff))
                #expect(try test.claim(1).isEmpty, "it waits")
            } else {
                #expect(outcome == .quarantined)
            }
            #expect(try test.ledger.commit([shard.committed()]) == [.stale], "a failed attempt has no result")
        }
        #expect(try claimNow(test) == nil)
        let quarantined = try test.ledger.quarantined(job: test.job)
        #expect(quarantined.map(\.code) == ["decode"])
        #expect(quarantined.map(\.error) == ["image 7: truncated"])
        #expect(try test.ledger.status(job: test.job).jobs.first?.errors.map(\.count) == [3])
        #expect(try test.ledger.requeueQuarantined(job: test.job) == 1)
        #expect(try test.claim(1).first?.fence == 4, "the fence goes on")
        let counts = try test.counts()
        #expect(counts.kept == counts.counted)
    }

    @Test func whatWouldFailAgainIsNotTriedAgain() throws {
        let test = try TestLedger()
        try test.enqueue(2)
        let shards = try test.claim(2)
        let outcome = try test.ledger.fail(
            shards[0].lease, worker: .a, code: "parameters", error: "", isInfrastructureLoss: false, isDeterministic: true)
        #expect(outcome == .quarantined)
        guard
            case .requeued = try test.ledger.fail(
                shards[1].lease, worker: .a, code: "x", error: "", isInfrastructureLoss: true, isDeterministic: true)
        else {
            Issue.record("a lost worker is never the shard's fault")
            return
        }
        let counts = try test.counts()
        #expect(counts.kept == counts.counted)
    }

    @Test func lossesAreCountedApart() throws {
        let test = try TestLedger()
        try test.enqueue(1)
        var policy = RetryPolicy()
        policy.maxLosses = 5
        for loss in 1...5 {
            let shard = try #require(try claimNow(test))
            if loss == 2 {
                _ = try test.ledger.fail(shard.lease, worker: .a, code: "x", error: "", isInfrastructureLoss: false)
                let again = try #require(try claimNow(test))
                try test.runOut(again.lease)
            } else {
                try test.runOut(shard.lease)
            }
            let lost = try test.ledger.expireLeases(policy: policy)
            #expect(lost.count == 1)
            #expect((lost.first?.outcome == .quarantined) == (loss == 5))
        }
        let counts = try test.counts()
        #expect(counts.kept == counts.counted)
        #expect(counts.kept.losses == 5 && counts.kept.taskErrors == 1 && counts.kept.quarantined == 1)
    }

    @Test func expiryNeverUndoesAResult() throws {
        // River's #1373: the rescuer overwrote a row that had completed between its SELECT and its UPDATE.
        let test = try TestLedger()
        let rounds = 150
        try test.enqueue(rounds)
        let string = test.connectionString
        let term = try #require(test.ledger.term)
        var accepted = 0
        var lost = 0
        for shard in try test.claim(rounds) {
            try test.runOut(shard.lease)
            let outcomes = try onThreads(2) { index -> Int in
                let rival = Ledger(connectionString: string)
                rival.adopt(term)
                if index == 0 { return try rival.commit([shard.committed()]) == [.accepted] ? 1 : 0 }
                return try rival.expireLeases().isEmpty ? 0 : 2
            }
            accepted += outcomes.filter { $0 == 1 }.count
            lost += outcomes.filter { $0 == 2 }.count
        }
        #expect(accepted + lost == rounds, "each shard either committed or expired, never both, never neither")
        let counts = try test.counts()
        #expect(counts.kept == counts.counted)
        #expect(counts.kept.done == Int64(accepted))
        #expect(counts.kept.losses == Int64(lost))
    }

    @Test func cancelledJobTakesNoMoreResults() throws {
        let test = try TestLedger()
        try test.enqueue(3)
        let shards = try test.claim(2)
        #expect(try test.ledger.commit([shards[0].committed()]) == [.accepted])
        #expect(try test.ledger.cancelJob(test.job, message: "stop"))
        #expect(try !test.ledger.cancelJob(test.job, message: "stop"))
        #expect(try test.ledger.commit([shards[1].committed()]) == [.stale])
        #expect(try test.claim(3).isEmpty)
        let counts = try test.counts()
        #expect(counts.kept == counts.counted)
        #expect(counts.kept.done == 1 && counts.kept.cancelled == 2)
        #expect(try test.ledger.job(test.job)?.state == .cancelled)
        #expect(try test.ledger.activeJobs().isEmpty)
        #expect(ledgerErrorCode { try test.enqueue(1, stage: "train") } == .unknownJob)
    }
}
