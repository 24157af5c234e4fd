import Foundation
import Ledger

/// Waits while the database of a run is away: restarting, or out of room. What is dead meanwhile is started again.
struct Outage {
    let cluster: LocalCluster
    let isInterrupted: () -> Bool

    /// Runs `body` until it succeeds, or fails with what no waiting mends. It must be such that a repetition does no harm.
    /// - Returns: nil when the run was interrupted while it waited.
    func wait<Result>(_ body: () throws -> Result) throws -> Result? {
        let began = Date()
        var hasSaid = false
        while true {
            do {
                let result = try body()
                if hasSaid { Terminal.message("PostgreSQL is back") }
                return result
            } catch let error as LedgerError where error.cause == .surroundings {
                if isInterrupted() { return nil }
                if !hasSaid, Date().timeIntervalSince(began) > 2 {
                    Terminal.message("PostgreSQL is away, the run waits for it: \(error.message)")
                    hasSaid = true
                }
                for line in try cluster.reviveDead() { Terminal.message(line) }
                usleep(200_000)
            }
        }
    }
}
