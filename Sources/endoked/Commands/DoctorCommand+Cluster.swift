import Cluster
import Foundation
import Ledger
import ZeroMQ

/// What `endoked doctor --connect` finds out about a running cluster: everything for which a job may stand without a fault
/// of its own.
extension DoctorCommand {
    static func findings(of endpoint: Endpoint, allowsPlaintext: Bool) -> [Finding] {
        do {
            let snapshot = try CoordinatorClient(endpoint: endpoint, allowPlaintext: allowsPlaintext).status()
            return findings(in: snapshot)
        } catch {
            return [
                Finding(
                    name: "coordinator", isGood: false, found: "\(error)",
                    fix: "start one (endoked coordinator), and look whether the address is the one that it logs")
            ]
        }
    }

    static func findings(in snapshot: StatusSnapshot) -> [Finding] {
        let text = StandingText(snapshot: snapshot)
        let running = snapshot.jobs.filter { $0.state == .running }
        func waits(_ kinds: Set<String>) -> [String] {
            running.flatMap { job in
                var some = job
                some.waits = job.waits.filter { kinds.contains($0.kind) }
                return text.waits(of: some).map { "job \(job.id)" + $0.dropFirst() }
            }
        }
        func finding(_ name: String, _ bad: [String], good: String, fix: String) -> Finding {
            Finding(name: name, isGood: bad.isEmpty, found: bad.isEmpty ? good : bad.joined(separator: "; "), fix: bad.isEmpty ? nil : fix)
        }
        let active = snapshot.workers.filter { $0.state == .active }
        let troubled = Set(active.filter { worker in worker.troubles.contains { $0.centre == nil } }.map(\.name))
        let leader = snapshot.leader.map { "\($0.holder), epoch \($0.epoch)" } ?? "none"
        return [
            Finding(name: "coordinator", isGood: true, found: "\(leader); \(active.count) workers, \(running.count) jobs run", fix: nil),
            finding(
                "centres", waits(["centre", "workers"]), good: "each that a job waits for is served",
                fix: "start a worker that reads the centre, mend its archive's folder, or cancel the job and name its centres right"),
            finding(
                "numeric setup", waits(["setup"]), good: "no job waits for one",
                fix: "start a worker on a host of that setup again, or cancel the job and submit it anew"),
            finding(
                "slots", text.troubles.filter { line in troubled.contains { line.hasPrefix("worker \($0), a stuck slot") } },
                good: "all return",
                fix: "the worker starts anew by itself; if it does not, end its process and look at the disk that it reads"),
            finding("clock", text.notices, good: "the database's clock did not go back", fix: "set the clock of its host by NTP"),
        ]
    }
}
