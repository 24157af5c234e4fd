import Foundation
import Ledger
import Stages
import Synchronization
import ZeroMQ

/// One term of leadership: what its threads share. When it ends all of them end.
final class CoordinatorTerm: Sendable {
    let epoch: Int64
    let stages: StageRegistry
    let log: EventLog
    let count: CounterBox
    let outbox: RouterOutbox
    let writer = Mailbox<WriterCommand>()
    let uploads = Mailbox<UploadCommand>()
    let desk = Mailbox<DeskCommand>()
    let driver = Mailbox<DriverCommand>()
    let writerAccess: LedgerAccess
    let stop = StopFlag()
    private let trust: Mutex<LeaderTrust>
    private let failure = Mutex<(any Error)?>(nil)
    private let accesses: Mutex<[LedgerAccess]>

    init(
        epoch: Int64, trust: LeaderTrust, writerLedger: Ledger, stages: StageRegistry, log: EventLog, count: CounterBox
    ) throws {
        self.epoch = epoch
        self.trust = Mutex(trust)
        self.stages = stages
        self.log = log
        self.count = count
        outbox = try RouterOutbox()
        writerAccess = Self.access(writerLedger, name: "writer", notesJobs: true, stop, log)
        accesses = Mutex([writerAccess])
    }

    /// A thread's way to the ledger, which waits out whatever is not the work's own fault.
    func access(_ ledger: Ledger, name: String, notesJobs: Bool = false) -> LedgerAccess {
        let access = Self.access(ledger, name: name, notesJobs: notesJobs, stop, log)
        accesses.withLock { $0.append(access) }
        return access
    }

    private static func access(
        _ ledger: Ledger, name: String, notesJobs: Bool, _ stop: StopFlag, _ log: EventLog
    ) -> LedgerAccess {
        LedgerAccess(
            ledger, name: name, stop: stop, log: log, waitsFor: { $0.cause == .surroundings }, notesJobs: notesJobs)
    }

    /// What the term's threads wait for now.
    var waits: [ThreadWait] {
        accesses.withLock { $0 }.compactMap { access in
            access.wait.map { ThreadWait(thread: access.name, reason: $0.reason, since: $0.since.timeIntervalSince1970) }
        }
    }

    var isTrusted: Bool { trust.withLock { $0.verdict(now: .now) == .trusted } }
    var nextRenewal: Instant { trust.withLock { $0.nextRenewal } }
    func renewed(askedAt: Instant) { trust.withLock { $0.renewed(askedAt: askedAt) } }

    /// Why the term ended, when it was not on request.
    var error: (any Error)? { failure.withLock { $0 } }

    /// Ends the term; the first reason stays.
    func end(_ error: (any Error)? = nil) {
        failure.withLock { if $0 == nil { $0 = error } }
        stop.set()
        writer.close()
        uploads.close()
        desk.close()
        driver.close()
        outbox.wakeUp.signal()
    }

    /// A thread of the term; its error ends the term.
    func thread(_ name: String, _ body: @escaping @Sendable () throws -> Void) -> JoinableThread {
        JoinableThread(name) { [self] in
            do {
                try body()
            } catch {
                if !stop.isSet { log(.error, "thread.failed", ["thread": name, "reason": "\(error)"]) }
                end(error)
            }
        }
    }
}
