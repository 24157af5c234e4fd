import Foundation
import Ledger
import Stages
import ZeroMQ

/// How many shards a second go the whole way: claimed in PostgreSQL, sent over ZeroMQ, mapped by a worker, sent back, and
/// durably committed.
public enum NoOpBenchmark {
    public struct Outcome: Sendable {
        public var shards: Int
        /// From the worker's start to the last commit.
        public var seconds: Double
        public var shardsPerSecond: Double { Double(shards) / seconds }
        public var counters: CoordinatorCounters
    }

    /// - Parameters:
    ///   - database: a database that nothing else uses meanwhile.
    ///   - slots: of the one worker, which runs in this process.
    public static func run(
        database: String, shards: Int, slots: Int = 2, timeout: Duration = .seconds(300), log: EventLog = .silent
    ) throws -> Outcome {
        let registry = StageRegistry([NoOpStage()])
        let coordinator = try Coordinator(
            Coordinator.Configuration(database: database, endpoints: [try Endpoint("tcp://127.0.0.1:*")]), stages: registry,
            log: log)
        coordinator.start()
        defer {
            coordinator.stop()
            _ = coordinator.wait()
        }
        let endpoint = try coordinator.waitUntilListening(timeout: .seconds(30))[0]
        let ledger = Ledger(connectionString: database, applicationName: "endoked bench")
        defer { ledger.close() }
        let job = try JobSubmission.submit(
            pipeline: Data("{ stages: [ { stage: \"noop\", shards: \(shards) } ] }".utf8), archive: "none", centres: ["none"],
            registry: registry, ledger: ledger)
        let deadline = ContinuousClock.now + timeout
        try wait(until: deadline) { try ledger.rounds(job: job, stage: "noop").count == 1 }

        let worker = try Worker(
            Worker.Configuration(name: "bench", endpoint: endpoint, slots: slots, centres: [:]), stages: registry, log: log)
        let start = ContinuousClock.now
        worker.start()
        try wait(until: deadline) { try ledger.counts(job: job, stage: "noop").done == Int64(shards) }
        let seconds = (ContinuousClock.now - start).inSeconds
        worker.drain()
        _ = worker.wait()
        return Outcome(shards: shards, seconds: seconds, counters: coordinator.counters())
    }

    private static func wait(until deadline: Instant, _ condition: () throws -> Bool) throws {
        while try !condition() {
            guard ContinuousClock.now < deadline else {
                throw ClusterError(.timeout, "the benchmark did not end in time")
            }
            Thread.sleep(forTimeInterval: 0.02)
        }
    }
}
