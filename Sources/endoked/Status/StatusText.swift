import Digest
import Foundation
import Ledger

/// A status snapshot as people read it.
struct StatusText {
    let snapshot: StatusSnapshot

    var text: String {
        var parts = [heading]
        for job in snapshot.jobs { parts += sections(of: job) }
        if snapshot.jobs.isEmpty { parts.append("no jobs") }
        parts.append(workers)
        let standing = StandingText(snapshot: snapshot)
        if !standing.troubles.isEmpty { parts.append(standing.troubles.joined(separator: "\n")) }
        if !standing.notices.isEmpty { parts.append(standing.notices.joined(separator: "\n")) }
        return parts.joined(separator: "\n\n")
    }

    private var heading: String {
        guard let leader = snapshot.leader else { return "no coordinator has led yet" }
        let line =
            leader.isCurrent
            ? "coordinator \(leader.holder), epoch \(leader.epoch)"
            : "no coordinator leads now; the last was \(leader.holder), epoch \(leader.epoch)"
        let waits = (snapshot.waits ?? []).map { wait in
            "waiting (\(wait.thread)): \(wait.reason), for \(Terminal.duration(max(0, snapshot.time - wait.since)))"
        }
        return ([line] + waits).joined(separator: "\n  ")
    }

    private func sections(of job: JobStatus) -> [String] {
        let end = job.finishedAt ?? snapshot.time
        var parts = [
            "job \(job.id)  \(job.archive)  \(job.state.rawValue)  \(Terminal.duration(end - job.createdAt))"
                + (job.message.isEmpty ? "" : "\n  \(job.message)")
                + StandingText(snapshot: snapshot).waits(of: job).map { "\n" + $0 }.joined()
                + (job.quarantined.isEmpty
                    ? "" : "\n  \(job.quarantined.count) shards are set aside: endoked quarantine --job \(job.id) lists them")
        ]
        var rows = [["stage", "centre", "state", "queued", "leased", "done", "failed", "quarantined", "rate", "left"]]
        for stage in job.stages {
            rows.append(
                [stage.name, "all", state(of: stage)] + numbers(stage.counts) + [
                    stage.shardsPerSecond.map { Terminal.rate($0) } ?? "",
                    stage.secondsLeft.map { Terminal.duration($0) } ?? "",
                ])
            if stage.centres.count > 1, !stage.state.isFinal {
                for centre in stage.centres { rows.append(["", centre.centre, ""] + numbers(centre.counts)) }
            }
        }
        parts.append(Terminal.table(rows))
        let notes = job.stages.filter { [.complete, .skipped].contains($0.state) && !$0.message.isEmpty }
            .map { "\($0.name): " + ($0.state == .skipped ? "skipped, " : "") + $0.message }
        if !notes.isEmpty { parts.append(notes.joined(separator: "\n")) }
        if let generations = GenerationTable(stages: job.stages.map(\.name), rounds: job.rounds).text { parts.append(generations) }
        let rounds = job.rounds.filter { $0.isAveraging || $0.finishedAt == nil }
        if !rounds.isEmpty {
            var table = [["round", "stage", "replicas", "rejected", "loss", "validation AUC", "parameters"]]
            for round in rounds.suffix(8) {
                table.append([
                    "\(round.round + 1)", round.stage, "\(round.received)", "\(round.rejected)",
                    round.loss.map { Terminal.number($0, digits: 4) } ?? "",
                    round.validationAUC.map { Terminal.number($0) } ?? "",
                    round.result.map { String($0.hex.prefix(12)) } ?? (round.finishedAt == nil ? "running" : ""),
                ])
            }
            parts.append(Terminal.table(table))
        }
        if !job.errors.isEmpty {
            var table = [["errors", "stage", "count", "last"]]
            for error in job.errors.prefix(10) {
                table.append([error.code, error.stage, "\(error.count)", String(error.lastMessage.prefix(160))])
            }
            parts.append(Terminal.table(table))
        }
        return parts
    }

    private func numbers(_ counts: ShardCounts) -> [String] {
        [counts.queued, counts.leased, counts.done, counts.taskErrors + counts.losses, counts.quarantined].map(String.init)
    }

    private func state(of stage: StageStatus) -> String {
        guard stage.state == .running, stage.rounds > 1 else { return stage.state.rawValue }
        return "running, round \(max(1, stage.roundsBegun))"
    }

    private var workers: String {
        guard !snapshot.workers.isEmpty else { return "no workers" }
        var rows = [["worker", "state", "slots", "centres", "heartbeat", "now"]]
        for worker in snapshot.workers {
            rows.append([
                worker.name, worker.state.rawValue, "\(worker.slots)", worker.centres.joined(separator: ","),
                Terminal.duration(worker.heartbeatAge) + " ago",
                worker.shards.isEmpty
                    ? "idle"
                    : worker.shards.prefix(3).joined(separator: ", ")
                        + (worker.shards.count > 3 ? " and \(worker.shards.count - 3) more" : ""),
            ])
        }
        return Terminal.table(rows)
    }
}
