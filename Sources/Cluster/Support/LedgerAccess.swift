import Foundation
import Ledger
import PostgreSQL
import Synchronization

/// Repeats what the ledger refuses for the moment: PostgreSQL restarts, and nobody need know.
final class LedgerAccess: Sendable {
    let ledger: Ledger
    private let stop: StopFlag
    private let log: EventLog
    private let name: String
    private let away = Atomic<Bool>(false)

    init(_ ledger: Ledger, name: String, stop: StopFlag, log: EventLog) {
        self.ledger = ledger
        self.name = name
        self.stop = stop
        self.log = log
    }

    /// Whether the last call found PostgreSQL out of reach and is still trying.
    var isAway: Bool { away.load(ordering: .acquiring) }

    /// Runs `body` until it succeeds or fails for good.
    /// - Throws: `ClusterError.cancelled` when the term ends meanwhile; otherwise what `body` threw.
    func persist<Result>(_ body: (Ledger) throws -> Result) throws -> Result {
        var pause = 0.02
        while true {
            if let result = try attempt(body) { return result }
            guard !stop.isSet else { throw ClusterError(.cancelled, "stopped while PostgreSQL was away") }
            Thread.sleep(forTimeInterval: pause)
            pause = min(pause * 1.6, 1)
        }
    }

    /// Runs `body` once: for what must not be done late. Nil when PostgreSQL is out of reach for the moment.
    func attempt<Result>(_ body: (Ledger) throws -> Result) throws -> Result? {
        do {
            let result = try body(ledger)
            if away.exchange(false, ordering: .acquiringAndReleasing) { log(.info, "ledger.back", ["thread": name]) }
            return result
        } catch let error as LedgerError where error.isTransient {
            if !away.exchange(true, ordering: .acquiringAndReleasing) {
                log(.warning, "ledger.away", ["thread": name, "reason": error.message])
            }
            return nil
        }
    }
}
