import Foundation
import Ledger
import PostgreSQL
import Testing

/// What shards wait for, and what a clock that went back leaves behind.
@Suite struct WaitTests {
    static func worker(
        _ name: String, active: Bool = true, centres: [String] = ["north", "south"], setup: String = "avx512",
        troubles: [WorkerTrouble] = [], seenAt: Double = 100
    ) -> WaitFinder.Worker {
        .init(name: name, isActive: active, centres: centres, setup: setup, troubles: troubles, seenAt: seenAt)
    }

    static func open(_ centre: String, setup: String? = nil) -> WaitFinder.Open {
        .init(stage: "cam", centre: centre, since: 50, setup: setup)
    }

    @Test func aMisspeltCentreIsNamedWithTheNearestKnown() throws {
        let waits = WaitFinder(job: 1, workers: [Self.worker("a")]).waits(for: [Self.open("nroth"), Self.open("south")])
        let wait = try #require(waits.first)
        #expect(waits.count == 1 && wait.kind == "centre" && wait.centre == "nroth" && wait.since == 50)
        #expect(wait.message.contains("was north meant"))
    }

    @Test func aCentreWhoseWorkerIsGoneOrInTroubleIsWaitedFor() throws {
        let gone = WaitFinder(
            job: 1,
            workers: [
                Self.worker("a", active: false, seenAt: 70), Self.worker("b", centres: ["south"]),
            ]
        ).waits(for: [Self.open("north")])
        #expect(gone.map(\.since) == [70])
        #expect(gone.first?.message.contains("worker a") == true)
        let trouble = WorkerTrouble(centre: "north", job: 1, reason: "its folder is empty", since: 90)
        let troubled = WaitFinder(job: 1, workers: [Self.worker("a", troubles: [trouble])]).waits(for: [Self.open("north")])
        #expect(troubled.map(\.since) == [90])
        #expect(troubled.first?.message.contains("its folder is empty") == true)
        // Trouble with another job's archive is none of this job.
        #expect(WaitFinder(job: 2, workers: [Self.worker("a", troubles: [trouble])]).waits(for: [Self.open("north")]).isEmpty)
    }

    @Test func aNumericSetupThatHasLeftIsWaitedFor() throws {
        let workers = [Self.worker("a", active: false, seenAt: 70), Self.worker("b", setup: "avx2")]
        let waits = WaitFinder(job: 1, workers: workers).waits(for: [Self.open("north", setup: "avx512"), Self.open("south")])
        let wait = try #require(waits.first)
        #expect(waits.count == 1 && wait.kind == "setup" && wait.since == 70)
        #expect(wait.message.contains("avx512") && wait.message.contains("b has avx2"))
    }

    @Test func withoutWorkersThereIsOneThingToSay() {
        let waits = WaitFinder(job: 1, workers: [Self.worker("a", active: false)]).waits(for: [Self.open("north"), Self.open("x")])
        #expect(waits.map(\.kind) == ["workers"])
    }

    @Test func statusSaysWhatQueuedShardsWaitFor() throws {
        let test = try TestLedger()
        try test.ledger.register(WorkerRegistration(.a))
        try test.enqueue(2, centre: "north")
        try test.enqueue(2, centre: "nroth")
        let waits = try #require(try test.ledger.status(job: test.job).jobs.first?.waits)
        #expect(waits.map(\.centre) == ["nroth"])
        #expect(waits.first?.message.contains("was north meant") == true)
        // A worker whose archive is away serves it no longer, and says since when.
        try test.ledger.setTroubles(
            [(WorkerTrouble(centre: "north", job: nil, reason: "its folder is not there", since: 0), 60)], of: .a)
        let more = try #require(try test.ledger.status(job: test.job).jobs.first?.waits)
        #expect(more.map(\.centre) == ["north", "nroth"])
        #expect(more.first?.message.contains("its folder is not there") == true)
        #expect(try test.ledger.waits().count == 2)
        let trouble = try #require(try test.ledger.workers().first?.troubles.first)
        #expect(abs(trouble.since - (Date().timeIntervalSince1970 - 60)) < 10)
        // A new life has none.
        try test.ledger.register(WorkerRegistration(.a))
        #expect(try test.ledger.workers().first?.troubles == [])
    }

    @Test func onlyShardsThatNeedASetupWaitForIt() throws {
        let test = try TestLedger()
        try test.ledger.register(WorkerRegistration(.a))
        try test.enqueue(2, stage: "train", uniform: true)
        _ = try test.claim(1, setup: "cpu")
        #expect(try test.ledger.waits().isEmpty)
        try test.ledger.goodbye(.a)
        var other = WorkerRegistration(.b)
        other.setup = "gpu"
        try test.ledger.register(other)
        #expect(try test.ledger.waits().map(\.wait.kind) == ["setup"])
        try test.enqueue(1, stage: "labels")
        #expect(try test.ledger.waits().map(\.wait.stage) == ["train"])
    }

    @Test func excludedCentresAndOtherStagesAreNotClaimed() throws {
        let test = try TestLedger()
        try test.enqueue(2, centre: "north")
        try test.enqueue(1, stage: "train", centre: "north")
        func claim(_ excluded: [JobCentre], only stage: StageOfJob? = nil) throws -> [String] {
            try test.ledger.claim(
                worker: .a, centres: ["north"], setup: "cpu", limit: 10, leaseDuration: .seconds(60), excluding: excluded,
                only: stage
            ).map(\.stage)
        }
        #expect(try claim([JobCentre(job: test.job, centre: "north")]).isEmpty)
        #expect(try test.ledger.queued(centres: ["north"]) == 3)
        #expect(try test.ledger.queued(centres: ["south"]) == 0)
        let train = StageOfJob(job: test.job, stage: "train")
        #expect(try test.ledger.queued(centres: ["north"], only: train) == 1)
        #expect(try claim([], only: train) == ["train"])
        #expect(try claim([JobCentre(job: JobID(test.job.rawValue + 1), centre: "north")]) == ["labels", "labels"])
    }

    @Test func aLeaseThatLastsFarLongerThanItsLikeIsOverdue() throws {
        let test = try TestLedger()
        try test.enqueue(4)
        let shards = try test.claim(4)
        func age(_ lease: LeaseKey, _ seconds: Double) throws {
            try test.direct().execute(
                "UPDATE shard SET leased_at = now() - make_interval(secs => $2) WHERE id = $1",
                [.int8(lease.shard.rawValue), .float8(seconds)])
        }
        try age(shards[3].lease, 5000)
        // Nobody knows yet how long these take.
        #expect(try test.ledger.overdueLeases(floor: .seconds(600), factor: 20).isEmpty)
        for shard in shards.prefix(2) { try age(shard.lease, 100) }
        _ = try test.ledger.commit(shards.prefix(2).map { $0.committed() })
        try age(shards[2].lease, 1900)
        let overdue = try test.ledger.overdueLeases(floor: .seconds(600), factor: 20)
        #expect(overdue.map(\.lease) == [shards[3].lease], "20 times 100 s are 2000 s")
        #expect(overdue.first.map { $0.limit > 1990 && $0.limit < 2100 } == true)
        #expect(try test.ledger.overdueLeases(floor: .seconds(9000), factor: 20).isEmpty)
    }

    @Test func whatAClockThatWentBackLeftInTheFutureIsTakenBack() throws {
        let test = try TestLedger()
        try test.enqueue(3)
        let leased = try test.claim(1)[0]
        let connection = try test.direct()
        // As an hour's step back leaves them.
        try connection.execute("UPDATE shard SET available_at = now() + interval '1 hour' WHERE state = 'queued'")
        try connection.execute("UPDATE shard SET lease_until = now() + interval '1 hour' WHERE state = 'leased'")
        #expect(try test.claim(5).isEmpty)
        let mended = try test.ledger.mendFuture(longestBackoff: 60, leaseDuration: .seconds(15), grace: .seconds(15))
        #expect(mended == 3)
        #expect(try test.claim(5).count == 2)
        let until = try #require(
            try connection.execute(
                "SELECT extract(epoch FROM lease_until - now())::float8 FROM shard WHERE id = $1",
                [.int8(leased.id.rawValue)]
            ).first?.double(0))
        #expect(until > 0 && until <= 15)
        // A shard that waits for its backoff keeps waiting.
        _ = try test.ledger.fail(leased.lease, worker: .a, code: "x", error: "", isInfrastructureLoss: false)
        #expect(try test.ledger.mendFuture(longestBackoff: 60, leaseDuration: .seconds(60), grace: .seconds(15)) == 0)
        try test.ledger.setNotice(kind: "clock", message: "went back")
        #expect(try test.ledger.status().notices.map(\.message) == ["went back"])
    }

    @Test func aTermThatAClockStepLeftInTheFutureIsOver() throws {
        let test = try TestLedger(holder: "first")
        let second = Ledger(connectionString: test.connectionString)
        #expect(try second.acquireLeadership(holder: "second", timeToLive: .seconds(60), grace: .zero) == nil)
        try test.direct().execute("UPDATE leader SET expires_at = now() + interval '2 hours'")
        #expect(try second.acquireLeadership(holder: "second", timeToLive: .seconds(60), grace: .zero) != nil)
    }
}
