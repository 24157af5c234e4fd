import Foundation
import Ledger

/// Progress of one job on standard error: a line that renews itself on a terminal, plain lines elsewhere.
struct ProgressDisplay {
    private var lastLine = ""
    private var shownRounds: Set<String> = []
    private var startedStages: Set<String> = []
    private var endedStages: Set<String> = []
    private var lastPlain = Date.distantPast
    private var lastNote = ""
    /// At how many looks in a row a job was found waiting, by what for.
    private var waitLooks: [String: Int] = [:]

    mutating func show(_ snapshot: StatusSnapshot) {
        guard let job = snapshot.jobs.first else { return }
        for stage in job.stages {
            if stage.startedAt != nil, stage.state != .skipped, startedStages.insert(stage.name).inserted {
                permanent("stage \(stage.name)")
            }
        }
        for round in job.rounds where round.finishedAt != nil {
            guard round.isAveraging, shownRounds.insert("\(round.stage)/\(round.round)").inserted else { continue }
            var text = "  round \(round.round + 1): \(round.received) replicas"
            if round.rejected > 0 { text += ", \(round.rejected) left out" }
            if let loss = round.loss { text += ", loss \(Terminal.number(loss, digits: 4))" }
            if let auc = round.validationAUC { text += ", validation AUC \(Terminal.number(auc))" }
            permanent(text)
        }
        for stage in job.stages where stage.state.isFinal && stage.startedAt != nil {
            guard endedStages.insert(stage.name).inserted else { continue }
            if stage.state == .skipped {
                permanent("stage \(stage.name): skipped, \(stage.message)")
                continue
            }
            let seconds = (stage.finishedAt ?? snapshot.time) - (stage.startedAt ?? snapshot.time)
            var text = "  \(stage.name): \(stage.state.rawValue), \(stage.counts.done) shards in \(Terminal.duration(seconds))"
            if stage.counts.quarantined > 0 { text += ", \(stage.counts.quarantined) quarantined" }
            permanent(text)
            if let agreement = GenerationTable.agreement(of: stage.name, job.rounds) {
                permanent("  \(stage.name): " + GenerationTable.sentence(agreement))
            }
            // What stops a stage from being complete is told at the job's end.
            if stage.state == .complete, !stage.message.isEmpty { permanent("  note: " + stage.message) }
        }
        if !job.state.isFinal, job.message != lastNote {
            // What a running job waits for, such as room on the database's disk.
            permanent(job.message.isEmpty ? "  goes on" : "  " + job.message)
            lastNote = job.message
        }
        var looks: [String: Int] = [:]
        for wait in job.waits {
            let key = "\(wait.kind) \(wait.stage) \(wait.centre ?? "")"
            looks[key] = (waitLooks[key] ?? 0) + 1
            // Not what is gone at the next look: a moment between two steps.
            if looks[key] == 4 { permanent("  waits: \(wait.message)") }
        }
        waitLooks = looks
        if let stage = job.stages.first(where: { $0.state == .running }) { renew(line(for: stage)) }
    }

    /// What is being done now: the shards of a stage, which for training grow with each round.
    private func line(for stage: StageStatus) -> String {
        let done = stage.counts.done, total = max(stage.counts.total, 1)
        var text = "  \(stage.name): "
        if stage.rounds > 1 { text += "round \(max(1, stage.roundsBegun)), " }
        text += "\(done) of \(total) shards"
        if let items = stage.itemsPerSecond { text += ", \(Terminal.rate(items, of: " items"))" }
        if let left = stage.secondsLeft { text += ", \(Terminal.duration(left)) left" }
        return text
    }

    private mutating func permanent(_ text: String) {
        erase()
        Terminal.message(text)
        lastLine = ""
    }

    private mutating func renew(_ text: String) {
        if Terminal.isInteractive {
            guard text != lastLine else { return }
            erase()
            FileHandle.standardError.write(Data(text.utf8))
            lastLine = text
        } else if text != lastLine, Date().timeIntervalSince(lastPlain) >= 15 {
            Terminal.message(text)
            lastLine = text
            lastPlain = Date()
        }
    }

    private func erase() {
        if Terminal.isInteractive { FileHandle.standardError.write(Data("\r\u{1B}[K".utf8)) }
    }
}
