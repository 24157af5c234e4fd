import Cluster
import Digest
import Foundation
import Ledger
import PostgreSQL
import Stages
import Synchronization
import Testing
import Wire
import ZeroMQ

/// Coordinators that go and come, two of them at once, and PostgreSQL that restarts.
@Suite(.serialized) struct OutageTests {
    static let training = #"{ seed: 5, stages: [ { stage: "toy-train" } ] }"#

    /// What an undisturbed run comes to.
    static let undisturbed: Result<SHA256Digest, any Error> = Result {
        let cluster = try TestCluster([ToyTrainStage(replicas: 6)])
        try cluster.addWorker("a", slots: 3)
        let job = try cluster.submit(training)
        try cluster.waitForEnd(job)
        guard let model = try cluster.ledger.finalModel(job: job, stage: "toy-train") else {
            throw TestCluster.TimedOut(description: "no model")
        }
        return model.digest
    }

    @Test func aCoordinatorThatIsReplacedAgainAndAgainRepeatsNoCommittedWork() throws {
        let runs = Mutex<[String: Int]>([:])
        let stage = ToyTrainStage(replicas: 6, pause: .milliseconds(120)) { round, key in
            runs.withLock { $0["\(round) \(key)", default: 0] += 1 }
        }
        let cluster = try TestCluster([stage])
        try cluster.addWorker("a", slots: 1)
        try cluster.addWorker("b", slots: 2)
        let job = try cluster.submit(Self.training)
        for turn in 0..<4 {
            try cluster.wait("some progress") {
                try cluster.ledger.counts(job: job, stage: "toy-train").done > Int64(turn * 2)
                    || (try cluster.ledger.job(job)?.state.isFinal ?? false)
            }
            try cluster.replaceCoordinator(pause: .milliseconds(turn * 60))
        }
        #expect(try cluster.waitForEnd(job).state == .complete)
        #expect(try cluster.ledger.finalModel(job: job, stage: "toy-train")?.digest == Self.undisturbed.get())
        // Workers kept what they had: no shard was computed twice, none was lost.
        #expect(try cluster.ledger.counts(job: job, stage: "toy-train").losses == 0)
        #expect(runs.withLock { $0.count } == 18)
        #expect(runs.withLock { $0.values.max() } == 1)
    }

    @Test func aShardThatALeaderWroteDownAndNeverSentIsNoLoss() throws {
        let cluster = try TestCluster([ToyScoreStage(studies: 1)])
        let job = try cluster.submit(#"{ stages: [ { stage: "toy-score" } ] }"#, centres: ["north"])
        let peer = try RawPeer("w", endpoint: cluster.endpoint)
        try peer.join(stages: ["toy-score"])
        let unsent = try peer.take(1, limit: 1)[0]
        try cluster.replaceCoordinator()
        // As if the shard had never come: what the worker says it has in hand is nothing.
        #expect(try peer.join(stages: ["toy-score"], held: []).revoked.isEmpty)
        let again = try peer.take(1, limit: 1)[0]
        #expect(again.key == unsent.key && again.lease.attempt == unsent.lease.attempt + 1)
        #expect(try cluster.ledger.counts(job: job, stage: "toy-score").losses == 0)
    }

    /// The coordinator is away for longer than leases last and than new leaders wait.
    @Test func whatRunsWhileNobodyLeadsIsNotLost() throws {
        let runs = Mutex<[String: Int]>([:])
        let gate = Gate()
        let stage = ToyScoreStage(studies: 2) { key in
            runs.withLock { $0["\(key)", default: 0] += 1 }
            gate.pass()
        }
        let cluster = try TestCluster([stage])
        try cluster.addWorker("a", slots: 2)
        let job = try cluster.submit(#"{ stages: [ { stage: "toy-score" } ] }"#, centres: ["north"])
        try cluster.wait("both at work") { gate.arrived == 2 }
        try cluster.replaceCoordinator(pause: cluster.timing.leaseDuration * 1.4)
        gate.open()
        #expect(try cluster.waitForEnd(job).state == .complete)
        #expect(try cluster.ledger.counts(job: job, stage: "toy-score").losses == 0)
        #expect(runs.withLock { $0.count == 2 && $0.values.allSatisfy { $0 == 1 } })
    }

    @Test func aStandbyTakesOverAndTheFormerLeaderWritesNothing() throws {
        let cluster = try TestCluster([ToyTrainStage(replicas: 6, pause: .milliseconds(100))])
        let other = FileManager.default.temporaryDirectory.appendingPathComponent("endoked-\(UUID().uuidString).sock")
        var configuration = Coordinator.Configuration(
            database: cluster.database, endpoints: [try Endpoint("ipc://\(other.path)")])
        configuration.timing = cluster.timing
        let standby = try Coordinator(configuration, stages: cluster.stages, log: cluster.lines.log)
        standby.start()
        defer {
            standby.stop()
            _ = standby.wait()
            try? FileManager.default.removeItem(at: other)
        }
        try cluster.addWorker("a")
        let job = try cluster.submit(Self.training)
        try cluster.wait("some progress") { try cluster.ledger.counts(job: job, stage: "toy-train").done > 1 }
        #expect(throws: ClusterError.self) { try standby.waitUntilListening(timeout: .milliseconds(300)) }
        // As if the leader had been paused past its time: its lease in the ledger runs out under it.
        let connection = try Connection(connectionString: cluster.database)
        let before = try cluster.ledger.status().leader?.epoch ?? 0
        try cluster.wait("the take-over") {
            try connection.execute(
                "UPDATE leader SET expires_at = '-infinity' WHERE epoch = $1", [.int8(before)])
            return try (cluster.ledger.status().leader?.epoch ?? 0) > before
        }
        try cluster.wait("the end of the term") { cluster.lines.count("leadership.lost") + cluster.lines.count("thread.failed") > 0 }
        // Whoever leads now, one of them listens where the worker looks, sooner or later.
        standby.stop()
        #expect(standby.wait() == nil)
        #expect(try cluster.waitForEnd(job).state == .complete)
        #expect(try cluster.ledger.finalModel(job: job, stage: "toy-train")?.digest == Self.undisturbed.get())
    }

    /// As two hosts whose units name their coordinator alike.
    @Test func twoCoordinatorsOfOneNameAreTwo() throws {
        let database = try TestDatabase.make()
        let stages = StageRegistry([ToyTrainStage(replicas: 2)])
        let coordinators = try (0..<2).map { _ in
            var configuration = Coordinator.Configuration(database: database, endpoints: [try Endpoint("tcp://127.0.0.1:*")])
            configuration.name = "hospital"
            configuration.timing = TestCluster.shortTiming
            return try Coordinator(configuration, stages: stages, log: .silent)
        }
        defer {
            for coordinator in coordinators { coordinator.stop() }
            for coordinator in coordinators { _ = coordinator.wait() }
        }
        coordinators[0].start()
        _ = try coordinators[0].waitUntilListening(timeout: .seconds(20))
        let ledger = Ledger(connectionString: database)
        defer { ledger.close() }
        let before = try #require(try ledger.status().leader)
        coordinators[1].start()
        // Longer than a term: who leads has renewed it, and the other still stands by.
        #expect(throws: ClusterError.self) { try coordinators[1].waitUntilListening(timeout: .seconds(3)) }
        let after = try #require(try ledger.status().leader)
        #expect(after.epoch == before.epoch && after.holder == before.holder)
    }

    @Test func aRestartOfPostgreSQLLosesNothing() throws {
        // A server of its own, which other tests do not use.
        let folder = URL(fileURLWithPath: "/tmp/endoked-test-\(ProcessInfo.processInfo.processIdentifier)-outage")
        defer { try? FileManager.default.removeItem(at: folder) }
        let server = try PrivateServer(stateFolder: folder)
        let database = try server.start()
        defer { try? server.stop() }
        let runs = Mutex<[String: Int]>([:])
        let stage = ToyTrainStage(replicas: 6, pause: .milliseconds(150)) { round, key in
            runs.withLock { $0["\(round) \(key)", default: 0] += 1 }
        }
        // Starting a server keeps small machines so busy that threads stand still: longer times than elsewhere.
        var timing = TestCluster.shortTiming
        timing.heartbeatInterval = .seconds(1)
        timing.leaseDuration = .seconds(6)
        let cluster = try TestCluster([stage], database: database, timing: timing)
        try cluster.addWorker("a", slots: 2)
        let job = try cluster.submit(Self.training)
        for turn in 0..<2 {
            try cluster.wait("some progress") { try cluster.ledger.counts(job: job, stage: "toy-train").done > Int64(1 + turn * 5) }
            try server.stop()
            // Longer than a lease: the shards go on being computed, and their results wait.
            Thread.sleep(forTimeInterval: 6.3)
            try server.start()
        }
        #expect(try cluster.waitForEnd(job).state == .complete)
        #expect(try cluster.ledger.finalModel(job: job, stage: "toy-train")?.digest == Self.undisturbed.get())
        let heard = Comment(rawValue: cluster.lines.all.suffix(60).joined(separator: "\n"))
        #expect(try cluster.ledger.counts(job: job, stage: "toy-train").losses == 0, heard)
        #expect(runs.withLock { $0.values.max() } == 1, heard)
        #expect(cluster.lines.count("ledger.away") > 0)
    }

    @Test func aWorkerWaitsForACoordinatorThatIsNotThereYet() throws {
        let path = "/tmp/endoked-\(UUID().uuidString.prefix(8)).sock"
        defer { try? FileManager.default.removeItem(atPath: path) }
        var configuration = Worker.Configuration(name: "early", endpoint: try Endpoint("ipc://\(path)"), slots: 1, centres: [:])
        configuration.timing = TestCluster.shortTiming
        let worker = try Worker(configuration, stages: StageRegistry([NoOpStage()]), log: .silent)
        worker.start()
        Thread.sleep(forTimeInterval: 0.3)
        var leading = Coordinator.Configuration(
            database: try TestDatabase.make(), endpoints: [try Endpoint("ipc://\(path)")])
        leading.timing = TestCluster.shortTiming
        let coordinator = try Coordinator(leading, stages: StageRegistry([NoOpStage()]), log: .silent)
        coordinator.start()
        _ = try coordinator.waitUntilListening(timeout: .seconds(10))
        let client = try CoordinatorClient(endpoint: try Endpoint("ipc://\(path)"))
        let deadline = ContinuousClock.now + .seconds(10)
        while try client.status().workers.isEmpty, ContinuousClock.now < deadline { Thread.sleep(forTimeInterval: 0.02) }
        #expect(try client.status().workers.map(\.name) == ["early"])
        worker.drain()
        #expect(worker.wait() == nil)
        while try client.status().workers.map(\.state) != [.gone], ContinuousClock.now < deadline {
            Thread.sleep(forTimeInterval: 0.02)
        }
        #expect(try client.status().workers.map(\.state) == [.gone])
        coordinator.stop()
        #expect(coordinator.wait() == nil)
    }

    @Test func nobodyAtTheEndpointIsSaidSo() throws {
        let client = try CoordinatorClient(endpoint: try Endpoint("ipc:///tmp/endoked-nobody.sock"))
        let error = try #require(throws: ClusterError.self) { try client.status(timeout: .milliseconds(200)) }
        #expect(error.code == .unreachable)
        #expect(error.message.contains("endoked-nobody.sock"))
    }

    @Test func aTakenPortAndAnOpenEndpointAreConfigurationErrors() throws {
        let cluster = try TestCluster([NoOpStage()])
        let second = try Coordinator(
            Coordinator.Configuration(database: try TestDatabase.make(), endpoints: [cluster.endpoint]),
            stages: cluster.stages, log: .silent)
        second.start()
        let error = try #require(second.wait())
        #expect(error.code == .configuration)
        #expect(error.message.contains("another process listens"))
        let open = try #require(throws: ClusterError.self) {
            try Coordinator(
                Coordinator.Configuration(database: "", endpoints: [try Endpoint("tcp://0.0.0.0:5570")]),
                stages: cluster.stages, log: .silent)
        }
        #expect(open.message.contains("can be reached by other hosts"))
    }
}
