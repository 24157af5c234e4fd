import Foundation
import Ledger
import PostgreSQL
import Synchronization

/// One private PostgreSQL for all tests of this process; stopped and removed at its end. Each test has a database.
enum TestServer {
    static let folder = URL(fileURLWithPath: "/tmp/endoked-test-\(ProcessInfo.processInfo.processIdentifier)-ledger")
    private static let made = Atomic<Int>(0)

    static let shared: Result<PrivateServer, any Error> = Result {
        atexit { TestServer.remove() }
        let server = try PrivateServer(stateFolder: folder)
        let connection = try Connection(connectionString: server.start())
        // Most of these tests make a database and throw it away; a bench must wait for the disk as users do.
        if ProcessInfo.processInfo.environment["ENDOKED_BENCH"] == nil {
            try connection.execute("ALTER SYSTEM SET fsync = off")
            try connection.execute("SELECT pg_reload_conf()")
        }
        return server
    }

    /// The connection string of a new, empty database.
    static func newDatabase() throws -> String {
        let name = "test\(made.add(1, ordering: .relaxed).newValue)"
        let string = try shared.get().connectionString
        try Connection(connectionString: string).executeScript("CREATE DATABASE \(name)")
        return string.replacing("dbname=endoked", with: "dbname=\(name)")
    }

    private static func remove() {
        if let server = try? shared.get() { try? server.stop() }
        try? FileManager.default.removeItem(at: folder)
    }
}

/// A ledger that leads in a database of its own, with a job.
struct TestLedger {
    let connectionString: String
    let ledger: Ledger
    let job: JobID

    init(holder: String = "first", grace: Duration = .zero) throws {
        connectionString = try TestServer.newDatabase()
        ledger = Ledger(connectionString: connectionString)
        try ledger.migrate()
        guard try ledger.acquireLeadership(holder: holder, timeToLive: .seconds(60), grace: grace) != nil else {
            throw LedgerError(.notLeader, "a new database has a leader")
        }
        job = try ledger.createJob(
            pipeline: Data(#"{"stages": []}"#.utf8), seed: 7, archive: "test", steps: [NewStep("labels"), NewStep("train")])
    }

    /// A connection past the ledger, to look and to meddle.
    func direct() throws -> Connection { try Connection(connectionString: connectionString) }

    @discardableResult
    func enqueue(_ count: Int, stage: String = "labels", centre: String = "", uniform: Bool = false) throws -> Int {
        try ledger.enqueue(
            job: job, stage: stage, round: 0,
            shards: (0..<count).map {
                NewShard(key: "\(centre)-\($0)", centre: centre, input: Data("{\"n\":\($0)}".utf8), needsUniformSetup: uniform)
            })
    }

    func claim(
        _ limit: Int, by worker: WorkerIncarnation = .a, centres: [String] = ["north"], setup: String = "cpu",
        for duration: Duration = .seconds(60)
    ) throws -> [ClaimedShard] {
        try ledger.claim(worker: worker, centres: centres, setup: setup, limit: limit, leaseDuration: duration)
    }

    /// Puts a lease's end into the past, as if its time had run out.
    func runOut(_ lease: LeaseKey) throws {
        let changed = try direct().execute(
            "UPDATE shard SET lease_until = now() - interval '1 second' WHERE id = $1", [.int8(lease.shard.rawValue)])
        guard changed.affected == 1 else { throw LedgerError(.unknownShard, "no shard \(lease.shard)") }
    }

    /// What the counters say, and what counting says: they must be the same after whatever happened.
    func counts(stage: String = "labels") throws -> (kept: ShardCounts, counted: ShardCounts) {
        let kept = try ledger.counts(job: job, stage: stage)
        var counted = ShardCounts()
        for row in try direct().execute(
            "SELECT state, task_errors::int8, losses::int8 FROM shard WHERE job = $1 AND stage = $2",
            [.int8(job.rawValue), .text(stage)])
        {
            switch try row.text(0) {
            case "queued": counted.queued += 1
            case "leased": counted.leased += 1
            case "done": counted.done += 1
            case "quarantined": counted.quarantined += 1
            default: counted.cancelled += 1
            }
            counted.taskErrors += try row.int64(1)
            counted.losses += try row.int64(2)
        }
        return (kept, counted)
    }
}

extension WorkerIncarnation {
    static let a = WorkerIncarnation(name: "a", boot: "a1")
    static let b = WorkerIncarnation(name: "b", boot: "b1")
}

extension ClaimedShard {
    func committed(
        by worker: WorkerIncarnation = .a, record: String = "{}", rows: [ResultRow] = []
    ) -> ShardCommit {
        ShardCommit(lease: lease, worker: worker, record: Data(record.utf8), rows: rows)
    }
}

extension WorkerRegistration {
    init(_ incarnation: WorkerIncarnation) {
        self.init(
            incarnation: incarnation, slots: 2, centres: ["north"], setup: "cpu", address: "tcp://10.0.0.1",
            version: "1")
    }
}

/// The code of the ledger's error that `body` throws; nil when it throws nothing of the kind.
func ledgerErrorCode(_ body: () throws -> Void) -> LedgerError.Code? {
    do {
        try body()
        return nil
    } catch {
        return (error as? LedgerError)?.code
    }
}

/// Runs `body` on `count` threads of their own at once and waits for all: what blocks must not be on Swift's pool.
func onThreads<R: Sendable>(_ count: Int, _ body: @escaping @Sendable (Int) throws -> R) throws -> [R] {
    let results = Results<R>()
    let group = DispatchGroup()
    for index in 0..<count {
        group.enter()
        Thread.detachNewThread {
            let result = Result { try body(index) }
            results.all.withLock { $0.append(result) }
            group.leave()
        }
    }
    group.wait()
    return try results.all.withLock { $0 }.map { try $0.get() }
}

private final class Results<R: Sendable>: Sendable {
    let all = Mutex<[Result<R, any Error>]>([])
}
