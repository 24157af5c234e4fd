import Cluster
import Foundation
import Ledger
import Stages
import Testing
import ZeroMQ

/// A coordinator that listens for other hosts, with keys.
@Suite struct KeysTests {
    @Test func aWorkerMustHaveTheNameOfItsKey() throws {
        let server = try CurveKeyPair()
        let (mine, other) = (try CurveKeyPair(), try CurveKeyPair())
        let allowList = CurveAllowList([mine.publicKey: "w1", other.publicKey: "w2"])
        var configuration = Coordinator.Configuration(
            database: try TestDatabase.make(), endpoints: [try Endpoint("tcp://0.0.0.0:*")])
        configuration.timing = TestCluster.shortTiming
        configuration.security = .server(keys: server, domain: "endoked")
        let unlisted = configuration
        #expect(throws: ClusterError.self) {
            try Coordinator(unlisted, stages: StageRegistry([NoOpStage()]), log: .silent)
        }
        configuration.allowList = allowList
        let stages = StageRegistry([NoOpStage()])
        let coordinator = try Coordinator(configuration, stages: stages, log: .silent)
        coordinator.start()
        defer {
            coordinator.stop()
            _ = coordinator.wait()
        }
        let bound = try coordinator.waitUntilListening(timeout: .seconds(20))[0]
        let endpoint = try Endpoint(bound.description.replacing("0.0.0.0", with: "127.0.0.1"))

        func worker(_ name: String, _ keys: CurveKeyPair) throws -> Worker {
            var configuration = Worker.Configuration(name: name, endpoint: endpoint, slots: 1, centres: [:])
            configuration.timing = TestCluster.shortTiming
            configuration.security = .client(keys: keys, serverKey: server.publicKey)
            let worker = try Worker(configuration, stages: stages, log: .silent)
            worker.start()
            return worker
        }
        let thief = try worker("w1", other)
        let error = try #require(thief.wait())
        #expect(error.code == .refused && error.message.contains("w2"))

        let honest = try worker("w1", mine)
        let client = try CoordinatorClient(endpoint: endpoint, security: .client(keys: other, serverKey: server.publicKey))
        let job = try client.submit(
            pipeline: Data("{ stages: [ { stage: \"noop\", shards: 50 } ] }".utf8), archive: "none", centres: ["none"])
        let deadline = ContinuousClock.now + .seconds(20)
        while try !(client.status(job: job).jobs.first?.state.isFinal ?? false), ContinuousClock.now < deadline {
            Thread.sleep(forTimeInterval: 0.02)
        }
        #expect(try client.status(job: job).jobs.first?.state == .complete)
        let stranger = try CoordinatorClient(
            endpoint: endpoint, security: .client(keys: try CurveKeyPair(), serverKey: server.publicKey))
        #expect(throws: ClusterError.self) { try stranger.status(timeout: .milliseconds(500)) }
        #expect(coordinator.counters().refusedKeys > 0)
        honest.drain()
        #expect(honest.wait() == nil)
    }
}
