import Foundation
import Ledger
import PostgreSQL
import Testing

@Suite struct StatusTests {
    @Test func saysHowEverythingFares() throws {
        let test = try TestLedger()
        try test.ledger.register(WorkerRegistration(.a))
        try test.ledger.setStageState(test.job, stage: "labels", .running, message: "")
        try test.enqueue(4, centre: "north")
        try test.enqueue(2, centre: "south")
        let shards = try test.claim(3)
        #expect(try test.ledger.commit([shards[0].committed(), shards[1].committed()]) == [.accepted, .accepted])
        let status = try test.ledger.status()
        let job = try #require(status.jobs.first)
        #expect(job.id == test.job && job.state == .running)
        #expect(job.stages.map(\.name) == ["labels", "train"])
        #expect(job.stages.map(\.state) == [.running, .pending])
        let stage = job.stages[0]
        #expect(stage.counts.done == 2 && stage.counts.leased == 1 && stage.counts.queued == 3)
        #expect(stage.centres.map(\.centre) == ["north", "south"])
        #expect(stage.centres.map(\.counts.queued) == [1, 2])
        let rate = try #require(stage.shardsPerSecond)
        #expect(rate > 0 && rate <= 2)
        #expect(abs((stage.secondsLeft ?? 0) - 4 / rate) < 1e-9)
        #expect(job.stages[1].shardsPerSecond == nil && job.stages.allSatisfy { $0.rounds == 1 })
        let worker = try #require(status.workers.first)
        #expect(worker.name == "a" && worker.state == .active && worker.shards == ["labels \(shards[2].key)"])
        #expect((0..<60).contains(worker.heartbeatAge))
        #expect(status.leader?.holder == "first" && status.leader?.isCurrent == true)
        let json = try JSONEncoder().encode(status)
        #expect(try JSONDecoder().decode(StatusSnapshot.self, from: json).jobs.first?.stages.first?.counts == stage.counts)
    }

    @Test func theTimeLeftCountsRoundsThatHaveNotBegun() throws {
        let test = try TestLedger()
        let job = try test.ledger.createJob(
            pipeline: Data("{}".utf8), seed: 1, archive: "", steps: [NewStep("train", rounds: 5)])
        try test.ledger.setStageState(job, stage: "train", .running, message: "")
        try test.ledger.register(WorkerRegistration(.a))
        for round in 0..<2 as Range<Int32> {
            try test.ledger.openRound(job: job, stage: "train", round: round, expected: 3, base: nil)
            try test.ledger.enqueue(
                job: job, stage: "train", round: round,
                shards: (0..<3).map { NewShard(key: "\($0)", centre: "", input: Data("{}".utf8), needsUniformSetup: false) })
        }
        let shards = try test.claim(4)
        _ = try test.ledger.commit(shards.map { $0.committed() })
        let stage = try #require(try test.ledger.status(job: job).jobs.first?.stages.first)
        #expect(stage.rounds == 5 && stage.roundsBegun == 2 && stage.counts.done == 4)
        let rate = try #require(stage.shardsPerSecond)
        // Two of the six shards that are known, and three rounds of three.
        #expect(abs((stage.secondsLeft ?? 0) - 11 / rate) < 1e-9)
    }

    @Test func silentWorkersAreLostAndCanComeBack() throws {
        let test = try TestLedger()
        try test.ledger.register(WorkerRegistration(.a))
        try test.ledger.register(WorkerRegistration(.b))
        try test.direct().execute("UPDATE worker_heartbeat SET seen_at = now() - interval '1 minute' WHERE worker = 'a'")
        #expect(try test.ledger.markLost(silentFor: .seconds(30)) == [.a])
        #expect(try test.ledger.markLost(silentFor: .seconds(30)).isEmpty)
        _ = try test.ledger.renew(
            [Heartbeat(worker: WorkerIncarnation(name: "a", boot: "old life"), leases: [])], leaseDuration: .seconds(9))
        #expect(try test.ledger.workers().map(\.state) == [.lost, .active], "an earlier life's heartbeat counts for nothing")
        _ = try test.ledger.renew([Heartbeat(worker: .a, leases: [])], leaseDuration: .seconds(9))
        #expect(try test.ledger.workers().map(\.state) == [.active, .active])
    }

    @Test func jobsEndAsTheyEnded() throws {
        let test = try TestLedger()
        try test.ledger.setJobState(test.job, .partial, message: "2 shards were set aside")
        try test.ledger.setJobState(test.job, .complete, message: "")
        let job = try #require(try test.ledger.job(test.job))
        #expect(job.state == .partial && job.message == "2 shards were set aside")
        #expect(job.pipeline == Data(#"{"stages": []}"#.utf8) && job.seed == 7)
        #expect(try test.ledger.status().jobs.map(\.id) == [test.job], "the last that ended is shown")
        #expect(try test.ledger.job(JobID(99)) == nil)
        #expect(ledgerErrorCode { _ = try test.ledger.createJob(pipeline: Data("{}".utf8), seed: 1, archive: "", steps: []) } == .invalid)
        #expect(ledgerErrorCode { try test.ledger.setStageState(test.job, stage: "absent", .running, message: "") } == .unknownJob)
    }
}
