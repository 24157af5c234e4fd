import Foundation
import PostgreSQL
import Synchronization

/// The ledger of shards, leases, rounds, results and evaluations in PostgreSQL: the only durable state of a cluster.
///
/// Every call blocks until the database has answered, so it belongs on a thread of its own and never on Swift's
/// cooperative pool. Writes share one connection and go one after the other; reads have a second, read-only one, so
/// that a status query never waits for a commit. Both connections are made at first use and made anew after they broke.
///
/// A write of a leader is carried out only while this ledger's term is still the current one; otherwise it throws
/// `.notLeader` and has written nothing. A call that throws an error with `isTransient` may be repeated as it is: when
/// the connection broke at the very end the first one may have taken effect, which is harmless in all of them but
/// `createJob` (there would be two jobs) and, until its leases run out, `claim`.
public final class Ledger: Sendable {
    /// The session for writes, and the term that its writes carry.
    private let writer: Mutex<Session>
    private let reader: Mutex<Session>
    private let currentTerm = Mutex<LeaderTerm?>(nil)

    /// Does not connect yet.
    ///
    /// - Parameter connectionString: a URI or key-value string of libpq.
    public init(connectionString: String, applicationName: String = "endoked") {
        writer = Mutex(Session(connectionString: connectionString, applicationName: applicationName))
        reader = Mutex(
            Session(connectionString: connectionString, applicationName: applicationName + " reader", isReadOnly: true))
    }

    /// The term of leadership that this ledger's writes carry; nil before `acquireLeadership`, and after it was lost.
    public internal(set) var term: LeaderTerm? {
        get { currentTerm.withLock { $0 } }
        set { currentTerm.withLock { $0 = newValue } }
    }

    /// Closes both connections; a later call makes them anew.
    public func close() {
        writer.withLock { $0.close() }
        reader.withLock { $0.close() }
    }

    /// Repeats `body`, with growing pauses, while it throws transient errors and less than `limit` has passed: what
    /// carries a coordinator over a restart of PostgreSQL. Blocks; leadership may have to be renewed afterwards.
    public func persist<R>(for limit: Duration, _ body: (Ledger) throws -> R) throws -> R {
        let deadline = ContinuousClock.now + limit
        var pause = 0.02
        while true {
            do {
                return try body(self)
            } catch let error as LedgerError where error.isTransient && ContinuousClock.now < deadline {
                Thread.sleep(forTimeInterval: pause)
                pause = min(pause * 1.6, 1)
            }
        }
    }

    /// One transaction on the writing connection that needs no leadership.
    func write<R: Sendable>(_ body: @Sendable (Connection) throws -> R) throws -> R {
        try writer.withLock { session in
            try Self.translating {
                let connection = try session.live()
                return try Self.repeatingConflicts { try connection.transaction { try body(connection) } }
            }
        }
    }

    /// One transaction on the writing connection that is carried out only under the current term. The leader's row is
    /// held in share mode until the end, so no other coordinator can take over between the check and the commit.
    func lead<R: Sendable>(_ body: @Sendable (Connection, LeaderTerm) throws -> R) throws -> R {
        guard let term else {
            throw LedgerError(.notLeader, "this coordinator does not lead: nothing was written")
        }
        do {
            return try write { connection in
                let held = try connection.execute(
                    "SELECT 1 FROM leader WHERE name = 'coordinator' AND epoch = $1 AND holder = $2 FOR SHARE",
                    [.int8(term.epoch), .text(term.holder)])
                guard held.count == 1 else {
                    throw LedgerError(
                        .notLeader, "epoch \(term.epoch) of “\(term.holder)” is over, another coordinator leads: nothing was written")
                }
                return try body(connection, term)
            }
        } catch let error as LedgerError where error.code == .notLeader {
            self.term = nil
            throw error
        }
    }

    /// Whether PostgreSQL answers. Throws what stands in the way.
    public func ping() throws { try read { _ = try $0.execute("SELECT 1") } }

    /// Statements on the reading connection. Reading twice is harmless, so a connection that turns out to be dead,
    /// as after a restart of PostgreSQL, is made anew once without a word; one that was cancelled is asked once more.
    func read<R: Sendable>(_ body: @Sendable (Connection) throws -> R) throws -> R {
        try reader.withLock { session in
            try Self.translating {
                do {
                    return try body(session.live())
                } catch let error as PostgreSQLError where [.connectionLost, .shuttingDown, .statementTimeout].contains(error.code) {
                    return try body(session.live())
                }
            }
        }
    }

    /// The writing connection, outside any transaction: migrations only.
    func withWritingConnection<R: Sendable>(_ body: @Sendable (Connection) throws -> R) throws -> R {
        try writer.withLock { session in try Self.translating { try body(session.live()) } }
    }

    /// Serialization failures and deadlocks undo a transaction whole: it is begun again, a few times.
    private static func repeatingConflicts<R>(_ body: () throws -> R) throws -> R {
        for _ in 0..<4 {
            do {
                return try body()
            } catch let error as PostgreSQLError where error.code == .serializationFailure || error.code == .deadlock {
                Thread.sleep(forTimeInterval: Double.random(in: 0.001...0.02))
            }
        }
        return try body()
    }

    /// Makes this room's error of PostgreSQL's.
    private static func translating<R>(_ body: () throws -> R) throws -> R {
        do {
            return try body()
        } catch let error as PostgreSQLError {
            if error.code == .undefinedObject {
                throw LedgerError(
                    .schemaMissing, "the database holds no ledger of this version, run migrate(): \(error)",
                    underlying: error)
            }
            throw LedgerError(error.isTransient ? .unavailable : .database, error.description, underlying: error)
        }
    }
}

extension Duration {
    /// Seconds, for `make_interval(secs => …)`.
    var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
}
