import Cluster
import Foundation
import Ledger
import Stages
import Synchronization
import Testing
import Wire
import ZeroMQ

/// Workers that vanish, repeat themselves, or speak nonsense.
@Suite(.serialized) struct LossTests {
    static let pipeline = #"{ seed: 5, stages: [ { stage: "toy-score" } ] }"#

    @Test func theShardsOfAVanishedWorkerRunElsewhereWithinThreeHeartbeatsAndASweep() throws {
        // Leases that last far longer: it is the silence that ends them.
        var timing = TestCluster.shortTiming
        timing.leaseDuration = .seconds(25)
        let cluster = try TestCluster([ToyScoreStage(studies: 4)], timing: timing)
        let job = try cluster.submit(Self.pipeline)
        let victim = try RawPeer("victim", endpoint: cluster.endpoint)
        try victim.join(stages: ["toy-score"])
        let shards = try victim.take(4, limit: 4)
        #expect(shards.count == 4)
        // It says nothing more, as after kill -9.
        let start = ContinuousClock.now
        try cluster.wait("the victim's shards") { try cluster.ledger.counts(job: job, stage: "toy-score").leased == 0 }
        let lost = ContinuousClock.now - start
        let bound = cluster.timing.heartbeatInterval * 3 + cluster.timing.heartbeatInterval + cluster.timing.sweepInterval
        #expect(lost < bound + .seconds(8), "\(lost)")
        let counts = try cluster.ledger.counts(job: job, stage: "toy-score")
        // Two were in its slots; the other two only waited, and count as no loss.
        #expect(counts.losses == 2)
        try cluster.addWorker("b")
        #expect(try cluster.waitForEnd(job).state == .complete)
        #expect(try cluster.ledger.bagScores(job: job, stage: "toy-score").count == 8)
    }

    @Test func aLateResultIsRefusedAndChangesNothing() throws {
        let cluster = try TestCluster([ToyScoreStage(studies: 1)])
        let job = try cluster.submit(Self.pipeline, centres: ["north"])
        let late = try RawPeer("late", endpoint: cluster.endpoint)
        try late.join(stages: ["toy-score"])
        let shard = try late.take(1, limit: 1)[0]
        try cluster.wait("the loss") { cluster.coordinator.counters().lostWorkers == 1 }
        try cluster.addWorker("b")
        #expect(try cluster.waitForEnd(job).state == .complete)
        // It wakes up, as after SIGCONT, and offers what it has.
        let again = try late.join(stages: ["toy-score"], held: [shard.lease])
        #expect(again.revoked == [shard.lease])
        try late.send(
            .results([
                ShardResult(lease: shard.lease, rows: Data(), record: Data("{\"study\":\"forged\"}".utf8))
            ]))
        #expect(try late.ack(of: shard.lease).outcome == .stale)
        #expect(cluster.coordinator.counters().staleResults == 1)
        let records = try cluster.ledger.shardRecords(job: job, stage: "toy-score", round: 0)
        #expect(records.map { String(decoding: $0.record, as: UTF8.self) } == ["{\"study\":\"s0\"}"])
    }

    @Test func aRepeatedResultIsAcknowledgedAndCommittedOnce() throws {
        let cluster = try TestCluster([ToyScoreStage(studies: 1)])
        let job = try cluster.submit(Self.pipeline, centres: ["north"])
        let peer = try RawPeer("repeats", endpoint: cluster.endpoint)
        try peer.join(stages: ["toy-score"])
        let shard = try peer.take(1, limit: 1)[0]
        let row = Stages.ResultRow.bagScore(.init(centre: "north", study: "s0", head: "toy", probability: 0.5))
        let result = ShardResult(lease: shard.lease, rows: try JSONEncoder().encode([row]), record: Data("{}".utf8))
        try peer.send(.results([result, result]))
        try peer.send(.results([result]))
        #expect(try [.accepted, .duplicate].contains(peer.ack(of: shard.lease).outcome))
        try cluster.wait("three outcomes") {
            let counters = cluster.coordinator.counters()
            return counters.acceptedResults == 1 && counters.duplicateResults == 2
        }
        #expect(try cluster.waitForEnd(job).state == .complete)
        #expect(try cluster.ledger.bagScores(job: job, stage: "toy-score").count == 1)
    }

    @Test func aResultThatBreaksTheRulesFailsItsShardAlone() throws {
        let cluster = try TestCluster([ToyScoreStage(studies: 2)])
        let job = try cluster.submit(Self.pipeline, centres: ["north"])
        let peer = try RawPeer("liar", endpoint: cluster.endpoint)
        try peer.join(stages: ["toy-score"])
        let shards = try peer.take(2, limit: 2)
        let bad = Stages.ResultRow.bagScore(.init(centre: "north", study: "s0", head: "toy", probability: 17))
        try peer.send(
            .results([
                ShardResult(lease: shards[0].lease, rows: try JSONEncoder().encode([bad]), record: Data("{}".utf8)),
                ShardResult(lease: shards[1].lease, rows: Data("not JSON".utf8), record: Data("{}".utf8)),
            ]))
        #expect(try peer.ack(of: shards[0].lease).outcome == .invalid)
        try cluster.wait("two invalid results") { cluster.coordinator.counters().invalidResults == 2 }
        try cluster.addWorker("honest")
        #expect(try cluster.waitForEnd(job).state == .complete)
    }

    @Test func aShardThatKillsItsWorkersIsSetAside() throws {
        let cluster = try TestCluster([ToyScoreStage(studies: 1)])
        let job = try cluster.submit(Self.pipeline, centres: ["north"])
        for life in 1...5 {
            // A new life of the same worker frees what the one before held, at once.
            let peer = try RawPeer("victim", endpoint: cluster.endpoint, boot: UInt8(life))
            try peer.join(slots: 1, stages: ["toy-score"])
            _ = try peer.take(1, limit: 1)
        }
        #expect(try cluster.waitForEnd(job).state == .failed)
        let quarantined = try cluster.ledger.quarantined(job: job)
        #expect(quarantined.map(\.key) == ["north/s0"])
        #expect(try cluster.ledger.counts(job: job, stage: "toy-score").losses == 5)
    }

    @Test func aContentThatIsNotWhatItsDigestSaysIsNotStored() throws {
        let cluster = try TestCluster([ToyScoreStage(studies: 1)])
        let job = try cluster.submit(Self.pipeline, centres: ["north"])
        let peer = try RawPeer("forger", endpoint: cluster.endpoint)
        try peer.join(stages: ["toy-score"])
        let shard = try peer.take(1, limit: 1)[0]
        let digest = Data(repeating: 3, count: 32)
        try peer.send(
            .results([
                ShardResult(
                    lease: shard.lease, rows: Data(), record: Data("{}".utf8),
                    blobs: [ShardResult.Blob(digest: digest, size: 4)])
            ]))
        let asked = try peer.receive { if case .fetch(let pieces) = $0 { pieces } else { nil } }
        #expect(asked.map(\.digest) == [digest])
        try peer.send(.content(ContentBytes(digest: digest, offset: 0, total: 4, bytes: Data([1, 2, 3, 4]))))
        // The lease ended as a loss; the shard runs elsewhere.
        #expect(try peer.ack(of: shard.lease).outcome == .accepted)
        try cluster.addWorker("honest")
        #expect(try cluster.waitForEnd(job).state == .complete)
        #expect(try cluster.ledger.counts(job: job, stage: "toy-score").losses == 1)
    }

    @Test func nonsenseIsCountedAnsweredAndDropped() throws {
        let cluster = try TestCluster([ToyScoreStage(studies: 2)])
        let peer = try RawPeer("noise", endpoint: cluster.endpoint)
        var generator = SeededGenerator(state: 9)
        for _ in 0..<200 {
            let bytes = (0..<Int.random(in: 0...80, using: &generator)).map { _ in UInt8.random(in: 0...255, using: &generator) }
            try peer.send(frames: Data(bytes), [Data([1]), Data()])
        }
        let refused = try peer.receive { if case .refused(let refused) = $0 { refused } else { nil } }
        #expect(refused.code == .malformed || refused.code == .version)
        var header = WireMessage.want(limit: 3).encoded().header
        header[1] = 2
        let other = try RawPeer("future", endpoint: cluster.endpoint)
        try other.send(frames: header)
        let version = try other.receive { if case .refused(let refused) = $0 { refused } else { nil } }
        #expect(version.code == .version)
        #expect(version.reason.contains("version 2"))
        try cluster.wait("200 malformed messages") { cluster.coordinator.counters().malformedMessages >= 200 }
        // It still works.
        try cluster.addWorker("a")
        #expect(try cluster.waitForEnd(cluster.submit(Self.pipeline)).state == .complete)
    }

    @Test func aWorkerWithAnotherProgramIsToldSoAndLeaves() throws {
        let cluster = try TestCluster([ToyScoreStage()])
        let worker = try cluster.addWorker("old", stages: StageRegistry([ToyTrainStage()]))
        let error = try #require(worker.wait())
        #expect(error.code == .refused)
        #expect(error.message.contains("toy-score"))
    }

    @Test func aDrainedWorkerFinishesReturnsAndLeaves() throws {
        let gate = Gate()
        let cluster = try TestCluster([ToyScoreStage(studies: 10) { _ in gate.pass() }])
        let job = try cluster.submit(Self.pipeline, centres: ["north"])
        let worker = try cluster.addWorker("a", slots: 2)
        try cluster.wait("both slots at work") { gate.arrived == 2 }
        try cluster.wait("shards kept ready") { try cluster.ledger.counts(job: job, stage: "toy-score").leased == 4 }
        worker.drain()
        // Those not begun are free at once.
        try cluster.wait("the return", atMost: .seconds(10)) { try cluster.ledger.counts(job: job, stage: "toy-score").leased == 2 }
        gate.open()
        #expect(worker.wait() == nil)
        let counts = try cluster.ledger.counts(job: job, stage: "toy-score")
        #expect(counts.done == 2 && counts.queued == 8 && counts.losses == 0)
        try cluster.addWorker("b")
        #expect(try cluster.waitForEnd(job).state == .complete)
    }

    @Test func trainingShardsGoOnlyToWorkersOfOneNumericSetup() throws {
        let cluster = try TestCluster([ToyTrainStage(replicas: 6, rounds: 2)])
        try cluster.addWorker("a", slots: 1, setup: "avx512")
        try cluster.addWorker("b", slots: 1, setup: "avx2")
        let job = try cluster.submit(#"{ stages: [ { stage: "toy-train" } ] }"#)
        #expect(try cluster.waitForEnd(job).state == .complete)
        let records = try (0..<2).flatMap { try cluster.ledger.shardRecords(job: job, stage: "toy-train", round: $0) }
        #expect(Set(records.map(\.worker)).count == 1)
        #expect(records.count == 12)
    }
}
