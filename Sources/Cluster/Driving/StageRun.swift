import Digest
import Foundation
import Ledger
import Stages

/// One stage of one job, between the ledger and the stage's own `plan` and `reduce`.
struct StageRun {
    enum Outcome {
        case waiting
        case planned
        case reduced
        case ended(JobStage.State, message: String)
    }

    let job: Job
    let stage: any Stage
    /// The step that runs it, and what the job's plan says of it.
    let step: StepOutline
    let sources: StepSources
    /// Names of the job's steps before it, in order.
    let earlier: [String]
    let settings: StageSettings
    let centres: [String]
    let access: LedgerAccess
    let log: EventLog

    /// Takes one step, each of which may be repeated after a crash.
    func advance() throws -> Outcome {
        let rounds = try access.persist { try $0.rounds(job: job.id, stage: name) }
        let finished = rounds.filter { $0.finishedAt != nil }
        let next = Int32(finished.count)
        let isOpened = rounds.contains { $0.round == next }
        let counts = isOpened ? try access.persist { try $0.counts(job: job.id, stage: name, round: next) } : nil
        let progress = StageProgress(
            roundCount: try stage.roundCount(settings: settings), finishedRounds: finished.count,
            isFinal: finished.last?.isFinal ?? false, isOpened: isOpened, openShards: Int(counts?.open ?? 0))
        switch progress.step {
        case .plan(let round):
            try plan(round)
            return .planned
        case .wait: return .waiting
        case .reduce(let round):
            if let failure = try reduce(round, counts ?? ShardCounts()) { return failure }
            return .reduced
        case .end: return try conclusion()
        }
    }

    private var name: String { step.name }

    private var view: LedgerView {
        LedgerView(job, centres: centres, step: step, sources: sources, earlier: earlier, access: access)
    }

    private func plan(_ round: Int) throws {
        let start = ContinuousClock.now
        let view = view
        let plans = try stage.plan(round: round, settings: settings, view: view)
        let shards = plans.map { plan in
            NewShard(
                key: plan.key, centre: plan.centre ?? "", input: plan.input, blobs: plan.blobs,
                needsUniformSetup: plan.needsUniformSetup)
        }
        let base = try view.model(ofStep: name, startingRound: round) ?? plans.lazy.compactMap(\.model).first
        // The round is opened last: shards without an open round are planned again, which finds the same keys.
        try access.persist { ledger in
            try ledger.enqueue(job: job.id, stage: name, round: Int32(round), shards: shards)
            try ledger.openRound(job: job.id, stage: name, round: Int32(round), expected: shards.count, base: base)
        }
        log(
            .info, "round.planned",
            [
                "job": job.id, "stage": name, "round": round, "shards": shards.count, "seconds": Self.rounded(since: start),
            ])
    }

    /// Folds a round, in one transaction; returns how the stage ended when nothing at all could be done.
    private func reduce(_ round: Int, _ counts: ShardCounts) throws -> Outcome? {
        let quarantined =
            counts.quarantined > 0
            ? try access.persist { try $0.quarantined(job: job.id, stage: name) }.filter { Int($0.round) == round } : []
        if let first = quarantined.first, try stage.missingReplicas(settings: settings) == .refuse {
            return .ended(.failed, message: Self.refusal(round, quarantined, first, job: job.id))
        }
        let lost = try lostItems(quarantined)
        if counts.done == 0, let first = quarantined.first {
            try access.persist { try $0.writeRows(job: job.id, stage: name, lost) }
            return .ended(
                .failed, message: "all \(quarantined.count) shards of round \(round) failed; \(first.key): \(first.error)")
        }
        let start = ContinuousClock.now
        let done = try access.persist { try $0.shardRecords(job: job.id, stage: name, round: Int32(round)) }
        let records = (done.map { Stages.ShardRecord($0) } + quarantined.map { Stages.ShardRecord($0) })
            .sorted { $0.key < $1.key }
        let outcome = try stage.reduce(round: round, records: records, settings: settings, view: view)
        let warnings = outcome.warnings.map { "round \(round + 1): \($0)" }
        let rows =
            try outcome.rows.map { try LedgerRow($0) } + lost
            + warnings.map { .event(EventRow(kind: Self.warningKind, message: $0)) }
        if !outcome.fingerprints.isEmpty {
            try access.persist { try $0.setFingerprints(job: job.id, outcome.fingerprints) }
        }
        let deltas = Dictionary(done.map { ($0.key, $0.blobs.first) }, uniquingKeysWith: { first, _ in first })
        let contributions = outcome.contributions.map { contribution in
            LedgerContribution(
                replica: contribution.shardKey, centre: contribution.centre ?? "", samples: Int64(contribution.samples),
                weight: contribution.weight, loss: contribution.loss, delta: deltas[contribution.shardKey] ?? nil,
                rejected: contribution.rejection)
        }
        // What is not a number has no place in JSON; the stage's other numbers are kept.
        let metrics = try JSONEncoder().encode(outcome.metrics.filter { $0.value.isFinite })
        let model = try outcome.model.map { bytes in
            ModelDescription(
                digest: try access.persist { try $0.putBlob(bytes) }, parameterCount: Self.parameterCount(bytes),
                description: "\(name), round \(round)")
        }
        let state = try outcome.state.map { bytes in try access.persist { try $0.putBlob(bytes) } }
        let released = try access.persist { ledger in
            try ledger.finishRound(
                job: job.id, stage: name, round: Int32(round), rows: rows, model: model, contributions: contributions,
                metrics: metrics, state: state, isFinal: outcome.isFinal)
        }
        for warning in warnings {
            log(.warning, Self.warningKind, ["job": job.id, "stage": name, "round": round, "message": warning])
        }
        // Deltas are gigabytes, and the next sweep is far. One that cannot be removed now is left to it.
        _ = try access.tryOnce { try $0.removeContents(released) }
        log(
            .info, "round.finished",
            [
                "job": job.id, "stage": name, "round": round, "done": counts.done, "quarantined": counts.quarantined,
                "seconds": Self.rounded(since: start),
            ])
        return nil
    }

    private static let warningKind = "round.warning"

    /// Why a round is not averaged: which shards are missing, why, and what to do.
    private static func refusal(
        _ round: Int, _ quarantined: [QuarantinedShard], _ first: QuarantinedShard, job: JobID
    ) -> String {
        let named = quarantined.prefix(5).map { shard in
            "\(shard.key) (\(shard.code)" + (shard.worker.isEmpty ? "" : ", last on \(shard.worker)") + ")"
        }
        return "round \(round + 1) is not averaged without \(quarantined.count) shards that were set aside: "
            + named.joined(separator: ", ") + (quarantined.count > named.count ? ", …" : "") + ": \(first.error). "
            + "Mend that and give them back: endoked requeue \(job); or let the stage go on without them: missingReplicas: \"allow\""
    }

    /// What shards that were set aside leave undone, study by study. Replicas have no items of their own.
    private func lostItems(_ quarantined: [QuarantinedShard]) throws -> [LedgerRow] {
        guard !quarantined.isEmpty, try stage.missingReplicas(settings: settings) == nil else { return [] }
        let inputs = try access.persist { try $0.inputs(of: quarantined.map(\.shard)) }
        // A study may lie in several shards: one row says it.
        var seen = Set<[String]>()
        return try quarantined.flatMap { shard in
            try Stages.ResultRow.lost(
                withShard: inputs[shard.shard] ?? Data("{}".utf8), centre: shard.centre, reason: "shard-set-aside",
                message: "shard \(shard.key) of \(name) was set aside (\(shard.code)"
                    + (shard.worker.isEmpty ? "" : ", last on worker \(shard.worker)") + "): \(shard.error)"
            ).filter { row in
                if case .item(let item) = row { seen.insert([item.centre, item.study]).inserted } else { true }
            }.map { try LedgerRow($0) }
        }
    }

    private func conclusion() throws -> Outcome {
        let (counts, items) = try access.persist { ledger in
            (
                try ledger.counts(job: job.id, stage: name, round: nil),
                // An image may have failed for more than one reason.
                Set(
                    try ledger.itemStatuses(job: job.id, stage: name).filter { $0.status == .failed }
                        .map { [$0.centre, $0.study, $0.image] }
                ).count
            )
        }
        var troubles: [String] = []
        if counts.quarantined > 0 { troubles.append("\(counts.quarantined) of \(counts.total) shards were set aside") }
        if counts.quarantined > 0, try stage.missingReplicas(settings: settings) == .allow {
            let rounds = try access.persist { try $0.rounds(job: job.id, stage: name) }.filter { $0.rejected > 0 }
            if !rounds.isEmpty {
                troubles.append(
                    "averaged from fewer replicas than planned, as missingReplicas allows: "
                        + rounds.prefix(10).map { "round \($0.round + 1) from \($0.received - $0.rejected) of \($0.received)" }
                        .joined(separator: ", ") + (rounds.count > 10 ? ", …" : ""))
            }
        }
        if items > 0 { troubles.append("\(items) images or studies could not be used") }
        let warnings = try access.persist { try $0.eventMessages(job: job.id, stage: name, kind: Self.warningKind) }
        let told = warnings.prefix(3) + (warnings.count > 3 ? ["\(warnings.count - 3) more warnings are in the log"] : [])
        return .ended(troubles.isEmpty ? .complete : .partial, message: (troubles + told).joined(separator: ", "))
    }

    private static func rounded(since start: Instant) -> Double {
        ((ContinuousClock.now - start).inSeconds * 1000).rounded() / 1000
    }

    /// The number of scalars in safetensors bytes, from their header; 0 for anything else.
    static func parameterCount(_ bytes: Data) -> Int64 {
        guard bytes.count >= 8 else { return 0 }
        let length = bytes.prefix(8).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        guard length <= UInt64(bytes.count - 8),
            let header = try? JSONDecoder().decode([String: JSONValue].self, from: bytes.dropFirst(8).prefix(Int(length)))
        else { return 0 }
        return header.values.reduce(0) { total, value in
            guard case .object(let tensor) = value, case .array(let shape) = tensor["shape"] else { return total }
            let product = shape.reduce(Int64(1)) { product, side in
                guard case .integer(let side) = side else { return 0 }
                return product.multipliedReportingOverflow(by: side).partialValue
            }
            return total &+ product
        }
    }
}

extension Stages.ShardRecord {
    init(_ record: LedgerShardRecord) {
        self.init(
            key: record.key, centre: record.centre.isEmpty ? nil : record.centre, record: record.record,
            blobs: record.blobs)
    }

    init(_ quarantined: QuarantinedShard) {
        self.init(
            key: quarantined.key, centre: quarantined.centre.isEmpty ? nil : quarantined.centre, record: nil, blobs: [])
    }
}
