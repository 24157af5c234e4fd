import Foundation
import Ledger
import PostgreSQL
import Testing

@Suite struct LeasingTests {
    @Test func enqueuingTwiceChangesNothing() throws {
        let test = try TestLedger()
        #expect(try test.enqueue(10) == 10)
        #expect(try test.enqueue(12) == 2)
        #expect(try test.ledger.counts(job: test.job, stage: "labels").queued == 12)
        let shards = try test.claim(100)
        #expect(shards.map(\.key) == (0..<12).map { "-\($0)" }, "in the order of enqueuing")
        #expect(shards[3].input == Data(#"{"n":3}"#.utf8))
        #expect(Set(shards.map(\.fence)) == [1])
    }

    @Test func twoClaimersNeverGetTheSameShard() throws {
        let test = try TestLedger()
        try test.enqueue(600)
        let string = test.connectionString
        let term = try #require(test.ledger.term)
        // Several connections under one term: what a lock that is skipped wrongly would show.
        let claimed = try onThreads(4) { index in
            let rival = Ledger(connectionString: string)
            rival.adopt(term)
            let worker = WorkerIncarnation(name: "w\(index)", boot: "1")
            var mine = [ShardID]()
            while true {
                let batch = try rival.claim(worker: worker, centres: [], setup: "cpu", limit: 7, leaseDuration: .seconds(60))
                mine += batch.map(\.id)
                // Others may hold the rest locked for a moment: only an empty queue ends it.
                if batch.isEmpty, try rival.counts(job: JobID(1), stage: "labels").queued == 0 { return mine }
            }
        }.flatMap { $0 }
        #expect(claimed.count == 600)
        #expect(Set(claimed).count == 600)
        let counts = try test.counts()
        #expect(counts.kept == counts.counted)
        #expect(counts.kept.leased == 600)
    }

    @Test func centresStayApartAndPriorityGoesFirst() throws {
        let test = try TestLedger()
        try test.enqueue(2, centre: "south")
        try test.enqueue(2, centre: "north")
        try test.enqueue(1, centre: "")
        try test.ledger.enqueue(
            job: test.job, stage: "labels", round: 1,
            shards: [NewShard(key: "urgent", centre: "north", input: Data("{}".utf8), priority: 5)])
        let got = try test.claim(10, centres: ["north"])
        #expect(got.map(\.centre).sorted() == ["", "north", "north", "north"])
        #expect(got.first?.key == "urgent")
        #expect(try test.claim(10, by: .b, centres: []).isEmpty)
        #expect(try test.claim(10, by: .b, centres: ["south", "north"]).map(\.centre) == ["south", "south"])
    }

    @Test func firstClaimFixesTheNumericSetup() throws {
        let test = try TestLedger()
        try test.enqueue(4, stage: "train", uniform: true)
        try test.enqueue(1, stage: "labels")
        #expect(try test.claim(1, setup: "avx512").map(\.stage) == ["train"])
        #expect(try test.ledger.job(test.job)?.numericSetup == "avx512")
        #expect(try test.claim(10, by: .b, setup: "avx2").map(\.stage) == ["labels"], "another setup gets what needs none")
        #expect(try test.claim(10, by: .b, setup: "avx512").count == 3)
    }

    @Test func rivalsForTheSetupAgree() throws {
        for _ in 0..<5 {
            let test = try TestLedger()
            try test.enqueue(40, stage: "train", uniform: true)
            let string = test.connectionString
            let term = try #require(test.ledger.term)
            let setups = try onThreads(4) { index -> String? in
                let rival = Ledger(connectionString: string)
                rival.adopt(term)
                let got = try rival.claim(
                    worker: WorkerIncarnation(name: "w\(index)", boot: "1"), centres: [], setup: "setup \(index % 2)",
                    limit: 5, leaseDuration: .seconds(60))
                return got.isEmpty ? nil : "setup \(index % 2)"
            }
            #expect(Set(setups.compactMap { $0 }).count <= 1, "shards that must agree went to two setups")
        }
    }

    @Test func releaseIsImmediateAndCountsAsNoFailure() throws {
        let test = try TestLedger()
        try test.enqueue(1)
        let first = try test.claim(1)[0]
        #expect(try test.ledger.release([first.lease], worker: .b) == 0, "not its lease")
        #expect(try test.ledger.release([first.lease], worker: .a) == 1)
        let second = try test.claim(1, by: .b)[0]
        #expect(second.fence == 2)
        #expect(try test.ledger.release([first.lease], worker: .a) == 0, "an old fence releases nothing")
        let counts = try test.counts()
        #expect(counts.kept.taskErrors == 0 && counts.kept.losses == 0 && counts.kept.leased == 1)
    }

    @Test func whatNeverArrivedIsReleasedAndTheRestKept() throws {
        let test = try TestLedger()
        try test.enqueue(4)
        let mine = try test.claim(3).map(\.lease)
        let others = try test.claim(1, by: .b).map(\.lease)
        #expect(try test.ledger.release(allBut: [mine[1]], worker: .a) == 2)
        #expect(try test.ledger.renew([mine[1]], worker: .a, leaseDuration: .seconds(5)) == [mine[1]])
        #expect(try test.ledger.renew(others, worker: .b, leaseDuration: .seconds(5)) == Set(others))
        let counts = try test.counts()
        #expect(counts.kept.leased == 2 && counts.kept.queued == 2 && counts.kept.losses == 0)
        #expect(try test.ledger.release(allBut: [], worker: .a) == 1)
    }

    @Test func renewTellsWhatIsStillHeld() throws {
        let test = try TestLedger()
        try test.ledger.register(WorkerRegistration(.a))
        try test.enqueue(2)
        let shards = try test.claim(2)
        #expect(try test.ledger.commit([shards[0].committed()]) == [.accepted])
        let held = try test.ledger.renew(shards.map(\.lease), worker: .a, leaseDuration: .seconds(60))
        #expect(held == [shards[1].lease])
        #expect(try test.ledger.renew([shards[1].lease], worker: .b, leaseDuration: .seconds(60)).isEmpty)
        _ = try test.ledger.cancelJob(test.job, message: "enough")
        #expect(try test.ledger.renew([shards[1].lease], worker: .a, leaseDuration: .seconds(60)).isEmpty)
    }

    @Test func newLifeOfAWorkerFreesItsOldLeasesAtOnce() throws {
        let test = try TestLedger()
        try test.ledger.register(WorkerRegistration(.a))
        try test.enqueue(2)
        let shards = try test.claim(2)
        #expect(try test.ledger.register(WorkerRegistration(.a)).isEmpty, "the same life keeps its leases")
        let reborn = WorkerIncarnation(name: "a", boot: "a2")
        let lost = try test.ledger.register(WorkerRegistration(reborn))
        #expect(Set(lost.map(\.lease)) == Set(shards.map(\.lease)))
        #expect(lost.allSatisfy { $0.outcome == .requeued(backoff: 0) })
        #expect(try test.claim(2, by: reborn).count == 2, "no wait for the lease to run out")
        #expect(try test.ledger.commit([shards[0].committed()]) == [.stale])
        #expect(try test.counts().kept.losses == 2)
        #expect(try test.ledger.goodbye(reborn) == 2)
        #expect(try test.ledger.workers().map(\.state) == [.gone])
        #expect(try test.counts().kept.queued == 2)
    }
}
