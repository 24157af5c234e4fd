import Foundation
import Ledger
import Stages

/// Whose fault an error is that the driver meets: what it does then depends on nothing else.
package enum Fault: Equatable {
    /// Leadership is lost, or the coordinator stops: another term goes on.
    case term
    /// The machine or the database cannot do it for now: the job waits and goes on.
    case surroundings
    /// The job's own: it ends, with the reason.
    case work

    package init(_ error: any Error) {
        switch error {
        case let error as LedgerError:
            self =
                switch error.cause {
                case .leadership: .term
                case .surroundings: .surroundings
                case .values: .work
                }
        case let error as ClusterError: self = error.code == .cancelled ? .term : .work
        case let error as StageError: self = error.code == .machine ? .surroundings : .work
        case is POSIXError, is CocoaError: self = .surroundings
        default: self = .work
        }
    }
}

/// A job that its surroundings hold up, and when it is tried again.
struct JobWait {
    var since = Date()
    var pause = Duration.milliseconds(500)
    var next = ContinuousClock.now

    /// - Returns: what to tell people.
    mutating func lengthen(_ reason: String, now: Instant) -> String {
        next = now + pause
        pause = min(pause * 2, .seconds(30))
        return WaitingNote.text(reason, since: since)
    }
}
