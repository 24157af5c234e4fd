import Foundation
import Ledger
import PostgreSQL
import Synchronization

/// Repeats what the ledger refuses for the moment: PostgreSQL restarts, its disk is full, somebody cancels a statement, and
/// the work goes on where it was.
final class LedgerAccess: Sendable {
    /// What stands in the way of a call, and since when.
    struct Wait: Sendable {
        var reason: String
        var since: Date
        fileprivate var begin: Instant
    }

    let ledger: Ledger
    let name: String
    private let stop: StopFlag
    private let log: EventLog
    private let waitsFor: @Sendable (LedgerError) -> Bool
    private let notes: JobNotes?
    private let current = Mutex<Wait?>(nil)
    private let returns = Mutex(0)

    /// - Parameters:
    ///   - waitsFor: the errors that time mends. What stands for a configuration that cannot work should end a start.
    ///   - notesJobs: whether the jobs under way are told when a call has to wait.
    init(
        _ ledger: Ledger, name: String, stop: StopFlag, log: EventLog,
        waitsFor: @escaping @Sendable (LedgerError) -> Bool = { $0.isTransient }, notesJobs: Bool = false
    ) {
        self.ledger = ledger
        self.name = name
        self.stop = stop
        self.log = log
        self.waitsFor = waitsFor
        notes = notesJobs ? JobNotes() : nil
    }

    /// What the last call found in its way while it is still trying.
    var wait: Wait? { current.withLock { $0 } }

    /// Whether the last call found PostgreSQL out of reach or out of order and is still trying.
    var isAway: Bool { wait != nil }

    /// How often a call has succeeded after one that had to wait.
    var returnCount: Int { returns.withLock { $0 } }

    /// Runs `body` until it succeeds or fails for good.
    /// - Throws: `ClusterError.cancelled` when the term ends meanwhile; otherwise what `body` threw.
    func persist<Result>(_ body: (Ledger) throws -> Result) throws -> Result {
        var pause = 0.02
        var attempts = 0
        while true {
            if let result = try attempt(body) { return result }
            guard !stop.isSet else { throw ClusterError(.cancelled, "stopped while PostgreSQL was away") }
            attempts += 1
            if let wait { notes?.tell(wait, ledger) }
            // Whatever a session may have caught: a new one has not.
            if attempts.isMultiple(of: 20) { ledger.close() }
            Thread.sleep(forTimeInterval: pause)
            pause = min(pause * 1.6, 1)
        }
    }

    /// Runs `body` once, for what may as well be done another time, such as tidying up: whatever refuses it, no work ends
    /// for it. Nil when it was refused.
    /// - Throws: when the term is over.
    func tryOnce<Result>(_ body: (Ledger) throws -> Result) throws -> Result? {
        do {
            return try attempt(body)
        } catch let error as LedgerError where error.cause == .values {
            log(.warning, "ledger.refused", ["thread": name, "reason": error.message])
            return nil
        }
    }

    /// Runs `body` once: for what must not be done late. Nil when PostgreSQL refuses for the moment.
    func attempt<Result>(_ body: (Ledger) throws -> Result) throws -> Result? {
        do {
            let result = try body(ledger)
            if let ended = current.withLock({ wait -> Wait? in
                defer { wait = nil }
                return wait
            }) {
                returns.withLock { $0 += 1 }
                let seconds = (ContinuousClock.now - ended.begin).inSeconds
                log(.info, "ledger.back", ["thread": name, "seconds": (seconds * 10).rounded() / 10])
            }
            notes?.withdraw(ledger)
            return result
        } catch let error as LedgerError where waitsFor(error) {
            let isNew = current.withLock { wait in
                let known = wait
                wait = Wait(reason: error.message, since: known?.since ?? Date(), begin: known?.begin ?? .now)
                return known == nil
            }
            if isNew { log(.warning, "ledger.away", ["thread": name, "reason": error.message]) }
            return nil
        }
    }
}

/// Tells the jobs under way what they wait for, where status shows it, and takes it back afterwards. A note that cannot be
/// written now is written later or not at all: the log has it, and work must not wait for it.
private final class JobNotes: Sendable {
    private struct State {
        var text: String?
        var nextNote: Instant?
    }
    private let state = Mutex(State())

    /// Waits shorter than this are nobody's business.
    private static let patience = Duration.seconds(1)
    private static let interval = Duration.seconds(5)

    func tell(_ wait: LedgerAccess.Wait, _ ledger: Ledger) {
        let now = ContinuousClock.now
        guard now - wait.begin > Self.patience, state.withLock({ now >= $0.nextNote ?? now }) else { return }
        let text = WaitingNote.text(wait.reason, since: wait.since)
        let isWritten = (try? ledger.noteActiveJobs(text)) != nil
        state.withLock {
            $0.nextNote = now + Self.interval
            if isWritten { $0.text = text }
        }
    }

    func withdraw(_ ledger: Ledger) {
        guard let text = state.withLock({ $0.text }), (try? ledger.withdrawNote(text)) != nil else { return }
        state.withLock { $0 = State() }
    }
}

/// How a job says that it waits.
enum WaitingNote {
    static func text(_ reason: String, since: Date) -> String {
        Ledger.waitingPrefix + reason + ", since " + since.formatted(.iso8601)
    }
}
