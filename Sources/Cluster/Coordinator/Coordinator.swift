import Foundation
import Ledger
import Stages
import Synchronization
import Wire
import ZeroMQ

/// A coordinator: stands by until it leads, then plans, hands out, commits and reduces until it is stopped or loses the
/// leadership. Everything durable is in the ledger; another can take over at any moment.
public final class Coordinator: Sendable {
    private let configuration: Configuration
    private let stages: StageRegistry
    private let log: EventLog
    private let stopRequested = StopFlag()
    private let listening = Promise<Result<[Endpoint], ClusterError>>()
    private let outcome = Promise<ClusterError?>()
    private let count = CounterBox()
    private let current = Mutex<CoordinatorTerm?>(nil)

    /// - Throws: `ClusterError.configuration`, which says what is wrong.
    public init(_ configuration: Configuration, stages: StageRegistry, log: EventLog) throws {
        try configuration.validate()
        self.configuration = configuration
        self.stages = stages
        self.log = log
    }

    /// Starts the threads and returns.
    public func start() {
        _ = JoinableThread("coordinator") { [self] in
            do {
                try run()
                outcome.fulfil(nil)
                listening.fulfil(.failure(ClusterError(.cancelled, "the coordinator was stopped before it led")))
            } catch {
                let error = error as? ClusterError ?? ClusterError(.ledger, "\(error)")
                log(.error, "coordinator.failed", ["reason": error.message])
                listening.fulfil(.failure(error))
                outcome.fulfil(error)
            }
        }
    }

    /// The endpoints with their real ports, once this coordinator leads and listens.
    /// - Throws: `ClusterError.timeout`, or why it could not start.
    public func waitUntilListening(timeout: Duration) throws -> [Endpoint] {
        guard let result = listening.wait(atMost: timeout) else {
            throw ClusterError(.timeout, "the coordinator does not lead after \(timeout.inSeconds) s: does another one?")
        }
        return try result.get()
    }

    /// Stops: what was committed stays, workers keep what they have until another coordinator answers.
    public func stop() {
        stopRequested.set()
        current.withLock { $0?.end() }
    }

    /// Waits until all threads have ended. Nil: on request.
    public func wait() -> ClusterError? { outcome.wait() }

    /// Tells all workers that are connected to finish what runs and to leave.
    public func drainWorkers(reason: String) {
        current.withLock { $0?.outbox.broadcast(.drain(reason: reason)) }
    }

    public func counters() -> CoordinatorCounters { count.value }

    // MARK: Terms

    private func run() throws {
        let ledger = Ledger(connectionString: configuration.database, applicationName: "endoked leader")
        defer { ledger.close() }
        let access = LedgerAccess(ledger, name: "leader", stop: stopRequested, log: log)
        try unlessStopped { try access.persist { try $0.migrate() } }
        var configuration = configuration
        var isStandingBy = false
        while !stopRequested.isSet {
            let askedAt = ContinuousClock.now
            let acquired =
                try unlessStopped {
                    try access.persist {
                        try $0.acquireLeadership(
                            holder: configuration.holder, timeToLive: configuration.timing.leadershipTimeToLive,
                            grace: configuration.timing.failOverGrace)
                    }
                } ?? nil
            guard let acquired else {
                if !isStandingBy { log(.info, "coordinator.standing-by", ["name": configuration.name]) }
                isStandingBy = true
                pause(configuration.timing.leadershipTimeToLive / 5)
                continue
            }
            isStandingBy = false
            // After `persist` had to wait the question was younger than this; that only shortens the trust.
            try serve(acquired, askedAt: askedAt, ledger, &configuration)
        }
        log(.info, "coordinator.stopped", ["name": configuration.name])
    }

    private func unlessStopped<Value>(_ body: () throws -> Value) throws -> Value? {
        do {
            return try body()
        } catch let error as ClusterError where error.code == .cancelled && stopRequested.isSet {
            return nil
        }
    }

    private func pause(_ duration: Duration) {
        let deadline = ContinuousClock.now + duration
        while ContinuousClock.now < deadline, !stopRequested.isSet { Thread.sleep(forTimeInterval: 0.02) }
    }

    /// Leads until stopped or until the leadership is lost.
    private func serve(
        _ acquired: LeaderTerm, askedAt: Instant, _ ledger: Ledger, _ configuration: inout Configuration
    ) throws {
        // Connections of their own: a renewal never waits behind a heavy transaction.
        let ledgers = ["writer", "driver", "uploads", "desk"].map { name in
            let ledger = Ledger(connectionString: configuration.database, applicationName: "endoked \(name)")
            ledger.adopt(acquired)
            return ledger
        }
        defer { for ledger in ledgers { ledger.close() } }
        let term = try CoordinatorTerm(
            epoch: acquired.epoch,
            trust: LeaderTrust(askedAt: askedAt, timeToLive: configuration.timing.leadershipTimeToLive),
            writerLedger: ledgers[0], stages: stages, log: log, count: count)
        current.withLock { $0 = term }
        defer { current.withLock { $0 = nil } }
        log(.info, "coordinator.leads", ["name": configuration.name, "epoch": acquired.epoch])

        let bound = Promise<Result<[Endpoint], ClusterError>>()
        let fixed = configuration
        let router = term.thread("router") {
            var loop: RouterLoop
            do {
                loop = try RouterLoop(fixed, term: term)
            } catch {
                let error = ClusterError(.configuration, "\(error)")
                bound.fulfil(.failure(error))
                throw error
            }
            bound.fulfil(.success(loop.endpoints))
            try loop.run(until: term.stop)
        }
        let threads = [
            router,
            term.thread("writer") {
                var writer = LedgerWriter(
                    access: term.writerAccess, configuration: fixed, term: term, isTrusted: { term.isTrusted })
                try writer.run(until: term.stop)
            },
            term.thread("driver") {
                var driver = JobDriver(
                    access: term.access(ledgers[1], name: "driver", notesJobs: true), term: term, pollInterval: fixed.timing.pollInterval,
                    isTrusted: { term.isTrusted })
                try driver.run(until: term.stop)
            },
            term.thread("uploads") {
                var desk = UploadDesk(access: term.access(ledgers[2], name: "uploads"), term: term)
                try desk.run(until: term.stop)
            },
            term.thread("desk") {
                var desk = RequestDesk(
                    access: term.access(ledgers[3], name: "desk"), term: term, cacheSizeInBytes: fixed.contentCacheSizeInBytes)
                try desk.run(until: term.stop)
            },
        ]
        let endpoints = bound.wait()
        if case .success(let endpoints) = endpoints {
            // A port that the system chose is kept for later terms: workers know it by now.
            configuration.endpoints = endpoints
            for endpoint in endpoints { log(.info, "coordinator.listens", ["endpoint": endpoint]) }
            listening.fulfil(.success(endpoints))
        }
        keep(term, ledger)
        term.end()
        for thread in threads { thread.join() }
        if case .failure(let error) = endpoints {
            try? ledger.resignLeadership()
            throw error
        }
        if stopRequested.isSet {
            try? ledger.resignLeadership()
        } else {
            log(
                .warning, "coordinator.term-ended",
                ["epoch": acquired.epoch, "reason": "\(term.error ?? ClusterError(.cancelled, "unknown"))"])
            pause(.milliseconds(500))
        }
    }

    /// Renews the leadership until the term ends.
    private func keep(_ term: CoordinatorTerm, _ ledger: Ledger) {
        var isAway = false
        while !term.stop.isSet, !stopRequested.isSet {
            let now = ContinuousClock.now
            guard isAway || now >= term.nextRenewal else {
                Thread.sleep(forTimeInterval: 0.02)
                continue
            }
            do {
                _ = try ledger.renewLeadership()
                term.renewed(askedAt: now)
                isAway = false
            } catch let error as LedgerError where error.cause == .surroundings {
                if !isAway { log(.warning, "leadership.waits", ["epoch": term.epoch, "reason": error.message]) }
                isAway = true
                Thread.sleep(forTimeInterval: 0.1)
            } catch {
                log(.error, "leadership.lost", ["epoch": term.epoch, "reason": "\(error)"])
                term.end(error)
            }
        }
    }
}
