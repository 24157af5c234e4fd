import Foundation
import Ledger
import Stages
import Wire

/// Workers that come, go, and disappear; shards that come back without a result.
extension LedgerWriter {
    mutating func welcome(_ hello: Hello, _ connection: Data, replacing earlier: Data?) throws {
        roster.welcome(hello, at: connection, replacing: earlier)
        guard let worker = incarnation(at: connection) else { return }
        let registration = WorkerRegistration(
            incarnation: worker, slots: Int32(clamping: hello.slots), centres: hello.centres, setup: hello.numericSetup,
            address: "\(hello.host):\(hello.process)", version: hello.program)
        let (retry, leaseDuration) = (retry, timing.leaseDuration)
        let held = hello.held.map { LeaseKey($0) }
        let (lost, undelivered, renewed) = try persist { ledger in
            let lost = try ledger.register(registration, policy: retry)
            // Shards that this or an earlier leader meant for it and that never arrived.
            let undelivered = try ledger.release(allBut: held, worker: worker)
            return (lost, undelivered, try ledger.renew(held, worker: worker, leaseDuration: leaseDuration))
        }
        let revoked = hello.held.filter { !renewed.contains(LeaseKey($0)) }
        roster.end(revoked, at: connection)
        log(
            .info, "worker.joined",
            [
                "worker": hello.worker, "slots": hello.slots, "centres": hello.centres.joined(separator: ","),
                "held": hello.held.count, "revoked": revoked.count, "undelivered": undelivered,
            ])
        outbox.send(
            .welcome(
                Welcome(
                    epoch: epoch, heartbeatInterval: timing.heartbeatInterval, leaseDuration: leaseDuration,
                    revoked: revoked)), to: connection)
        if !lost.isEmpty || undelivered > 0 { inbox.send(.work) }
        note(lost)
    }

    mutating func goodbye(_ connection: Data) throws {
        guard let worker = incarnation(at: connection) else { return }
        _ = roster.remove(connection)
        let released = try persist { try $0.goodbye(worker) }
        log(.info, "worker.left", ["worker": worker.name, "released": released])
        if released > 0 { inbox.send(.work) }
    }

    /// A worker was silent for too long. What its slots may have been working on counts as a loss of that shard, so
    /// that a shard that kills its workers is set aside in the end; the rest goes back unharmed.
    mutating func lose(_ connection: Data) throws {
        guard let worker = incarnation(at: connection), let removed = roster.remove(connection) else { return }
        count { $0.lostWorkers += 1 }
        log(
            .warning, "worker.lost",
            [
                "worker": worker.name, "working": removed.working.count, "waiting": removed.waiting.count,
            ])
        let retry = retry
        try persist { ledger in
            for lease in removed.working {
                _ = try ledger.fail(
                    LeaseKey(lease), worker: worker, code: "worker-lost",
                    error: "worker \(worker.name) was silent for three heartbeats", isInfrastructureLoss: true, policy: retry)
            }
            try ledger.release(removed.waiting.map { LeaseKey($0) }, worker: worker)
        }
        count { $0.lostLeases += removed.working.count }
        shardsEnded()
        inbox.send(.work)
    }

    mutating func fail(_ failures: [ShardFailure], _ connection: Data) throws {
        guard let worker = incarnation(at: connection) else { return }
        let retry = retry
        let outcomes = try persist { ledger in
            try failures.map { failure in
                try ledger.fail(
                    LeaseKey(failure.lease), worker: worker, code: failure.code, error: failure.message,
                    isInfrastructureLoss: failure.isInfrastructure, isDeterministic: failure.isDeterministic, policy: retry)
            }
        }
        count { $0.failedShards += failures.count }
        let acks = zip(failures, outcomes).map { failure, outcome in
            log(
                .warning, "shard.failed",
                [
                    "lease": failure.lease, "worker": worker.name, "code": failure.code, "message": failure.message,
                    "outcome": "\(outcome)",
                ])
            return ShardAck(lease: failure.lease, outcome: outcome == .stale ? .stale : .accepted)
        }
        acknowledge(acks, connection)
    }

    mutating func giveBack(_ leases: [ShardLease], _ connection: Data) throws {
        guard let worker = incarnation(at: connection) else { return }
        try persist { _ = try $0.release(leases.map { LeaseKey($0) }, worker: worker) }
        count { $0.returnedShards += leases.count }
        acknowledge(leases.map { ShardAck(lease: $0, outcome: .accepted) }, connection)
        inbox.send(.work)
    }

    mutating func acknowledge(_ acks: [ShardAck], _ connection: Data) {
        guard !acks.isEmpty else { return }
        roster.end(acks.map(\.lease), at: connection)
        outbox.send(.acks(acks), to: connection)
        shardsEnded()
    }
}
