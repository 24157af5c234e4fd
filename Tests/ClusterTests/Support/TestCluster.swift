import Cluster
import Digest
import Foundation
import Ledger
import PostgreSQL
import Stages
import Synchronization
import Testing
import ZeroMQ

/// A real coordinator on a real database, and real workers over loopback, with short times.
final class TestCluster {
    let database: String
    let stages: StageRegistry
    let timing: ClusterTiming
    let archive: URL
    private(set) var coordinator: Coordinator
    private(set) var endpoint: Endpoint
    private(set) var workers: [Worker] = []
    let ledger: Ledger
    let lines = LogLines()

    /// Short, and yet so long that a busy machine which stops a thread for a second makes no loss.
    static var shortTiming: ClusterTiming {
        var timing = ClusterTiming()
        timing.heartbeatInterval = .milliseconds(400)
        timing.leaseDuration = .milliseconds(2500)
        timing.leadershipTimeToLive = .milliseconds(2000)
        timing.failOverGrace = .milliseconds(2500)
        timing.sweepInterval = .milliseconds(100)
        timing.pollInterval = .milliseconds(100)
        return timing
    }

    init(_ stages: [any Stage], database: String? = nil, timing: ClusterTiming = TestCluster.shortTiming) throws {
        self.database = try database ?? TestDatabase.make()
        self.stages = StageRegistry(stages)
        self.timing = timing
        archive = FileManager.default.temporaryDirectory.appendingPathComponent("endoked-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: archive, withIntermediateDirectories: true)
        // Workers look whether a centre's folder holds an archive; the toy stages read none of it.
        try Data().write(to: archive.appendingPathComponent("reports.jsonl"))
        ledger = Ledger(connectionString: self.database)
        coordinator = try Self.makeCoordinator(
            self.database, [try Endpoint("tcp://127.0.0.1:*")], timing, self.stages, lines.log)
        coordinator.start()
        endpoint = try coordinator.waitUntilListening(timeout: .seconds(20))[0]
    }

    deinit {
        for worker in workers { worker.stop() }
        coordinator.stop()
        for worker in workers { _ = worker.wait() }
        _ = coordinator.wait()
        ledger.close()
        try? FileManager.default.removeItem(at: archive)
    }

    private static func makeCoordinator(
        _ database: String, _ endpoints: [Endpoint], _ timing: ClusterTiming, _ stages: StageRegistry, _ log: EventLog
    ) throws -> Coordinator {
        var configuration = Coordinator.Configuration(database: database, endpoints: endpoints)
        configuration.timing = timing
        configuration.retry.initialBackoff = 0.05
        configuration.retry.maxLosses = 5
        return try Coordinator(configuration, stages: stages, log: log)
    }

    @discardableResult
    func addWorker(
        _ name: String, slots: Int = 2, centres: [String] = ["north", "south"], setup: String = "test",
        stages: StageRegistry? = nil, folders: [String: URL]? = nil
    ) throws -> Worker {
        var configuration = Worker.Configuration(
            name: name, endpoint: endpoint, slots: slots,
            centres: folders ?? Dictionary(uniqueKeysWithValues: centres.map { ($0, archive) }))
        configuration.timing = timing
        configuration.numericSetup = setup
        configuration.drainDeadline = .seconds(5)
        let worker = try Worker(configuration, stages: stages ?? self.stages, log: lines.log)
        worker.start()
        workers.append(worker)
        return worker
    }

    /// Stops the coordinator and starts another on the same endpoint, as after a crash: it knows only the ledger.
    func replaceCoordinator(pause: Duration = .zero) throws {
        coordinator.stop()
        _ = coordinator.wait()
        Thread.sleep(forTimeInterval: Double(pause.components.attoseconds) * 1e-18 + Double(pause.components.seconds))
        coordinator = try Self.makeCoordinator(database, [endpoint], timing, stages, lines.log)
        coordinator.start()
        _ = try coordinator.waitUntilListening(timeout: .seconds(20))
    }

    func submit(_ pipeline: String, centres: [String] = ["north", "south"]) throws -> JobID {
        let client = try CoordinatorClient(endpoint: endpoint)
        return try client.submit(pipeline: Data(pipeline.utf8), archive: "test", centres: centres)
    }

    /// Waits until `condition` holds; says what it waited for when it never does.
    func wait(_ what: String, atMost timeout: Duration = .seconds(30), _ condition: () throws -> Bool) throws {
        let deadline = ContinuousClock.now + timeout
        while try !condition() {
            guard ContinuousClock.now < deadline else {
                throw TimedOut(description: "\(what): not within \(timeout)\n" + lines.all.suffix(40).joined(separator: "\n"))
            }
            Thread.sleep(forTimeInterval: 0.01)
        }
    }

    @discardableResult
    func waitForEnd(_ job: JobID, atMost timeout: Duration = .seconds(30)) throws -> Job {
        try wait("end of job \(job)", atMost: timeout) {
            try ledger.persist(for: .seconds(10)) { try $0.job(job)?.state.isFinal ?? false }
        }
        return try #require(try ledger.persist(for: .seconds(10)) { try $0.job(job) })
    }

    struct TimedOut: Error, CustomStringConvertible {
        var description: String
    }
}

/// Gathers what was logged.
final class LogLines: Sendable {
    private let lines = Mutex<[String]>([])

    var log: EventLog {
        EventLog(level: .debug) { [lines = self] line in lines.add(line) }
    }

    private func add(_ line: String) { lines.withLock { $0.append(line) } }
    var all: [String] { lines.withLock { $0 } }
    func count(_ text: String) -> Int { lines.withLock { $0.count { $0.contains(text) } } }
}

/// Holds threads until a test lets them go.
final class Gate: @unchecked Sendable {
    // @unchecked: everything mutable is only touched while `condition` is locked.
    private let condition = NSCondition()
    private var isOpen = false
    private var waiting = 0

    /// Waits until the gate is open, for a minute at most.
    func pass() {
        condition.lock()
        waiting += 1
        condition.broadcast()
        let deadline = Date(timeIntervalSinceNow: 60)
        while !isOpen && condition.wait(until: deadline) {}
        condition.unlock()
    }

    func open() {
        condition.lock()
        isOpen = true
        condition.broadcast()
        condition.unlock()
    }

    var arrived: Int {
        condition.lock()
        defer { condition.unlock() }
        return waiting
    }
}
