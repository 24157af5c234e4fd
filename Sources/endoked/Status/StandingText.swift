import Foundation
import Ledger

/// What stands, as people read it: of a job, of a worker, of the cluster.
struct StandingText {
    let snapshot: StatusSnapshot

    /// What a job waits for, a line each.
    func waits(of job: JobStatus) -> [String] {
        job.waits.map { "  waits since \(ago($0.since)): \($0.message)" }
    }

    /// What keeps workers from work, a line each.
    var troubles: [String] {
        snapshot.workers.filter { $0.state != .gone }.flatMap { worker in
            worker.troubles.map { trouble in
                let what =
                    trouble.centre.map { centre in
                        "centre \(centre)" + (trouble.job.map { ", job \($0)" } ?? "")
                    } ?? "a stuck slot"
                return "worker \(worker.name), \(what), since \(ago(trouble.since)): \(trouble.reason)"
            }
        }
    }

    var notices: [String] { snapshot.notices.map { "\(ago($0.since)): \($0.message)" } }

    private func ago(_ time: Double) -> String {
        let date = Date(timeIntervalSince1970: time).formatted(.iso8601)
        return "\(date) (\(Terminal.duration(max(0, snapshot.time - time))))"
    }
}
