import Foundation
import Ledger
import Wire

/// What stands without a fault of any shard: said in the log, and mended where that can be done from here.
extension LedgerWriter {
    mutating func lookForWhatStands() throws {
        guard standing.isDue(.now) else { return }
        try lookAtTheClock()
        try endOverdueLeases()
        guard let waits = try access.attempt({ try $0.waits() }) else { return }
        let (new, over) = standing.note(waits)
        for (job, wait) in new {
            log(
                .warning, "job.waits",
                [
                    "job": job, "stage": wait.stage, "for": wait.kind, "message": wait.message,
                    "since": Date(timeIntervalSince1970: wait.since).formatted(.iso8601),
                ])
        }
        for key in over {
            log(
                .info, "job.goes-on",
                [
                    "job": key.job, "stage": key.stage, "waited-for": key.kind + (key.centre.map { " " + $0 } ?? ""),
                ])
        }
    }

    /// A worker's host has trouble, other trouble than before, or none any more.
    mutating func noteTroubles(_ troubles: [Wire.Heartbeat.Trouble], _ connection: Data) throws {
        guard let worker = incarnation(at: connection) else { return }
        for trouble in troubles {
            log(
                .warning, "worker.trouble",
                [
                    "worker": worker.name, "centre": trouble.centre ?? "none", "job": trouble.job.map(String.init) ?? "all",
                    "reason": trouble.reason,
                ])
        }
        if troubles.isEmpty { log(.info, "worker.well", ["worker": worker.name]) }
        let dated = troubles.map { trouble in
            (
                trouble: WorkerTrouble(centre: trouble.centre, job: trouble.job, reason: trouble.reason, since: 0),
                age: trouble.age.inSeconds
            )
        }
        try persist { try $0.setTroubles(dated, of: worker) }
    }

    /// Shards that take far longer than their like go to another worker: their slot may never return.
    private mutating func endOverdueLeases() throws {
        let (floor, factor, retry) = (timing.shortestLeaseLimit, timing.overdueFactor, retry)
        guard let overdue = try access.attempt({ try $0.overdueLeases(floor: floor, factor: factor) }), !overdue.isEmpty
        else { return }
        for late in overdue {
            let lease = ShardLease(late.lease)
            let boot = Data(hexText: late.worker.boot)
            let holder = boot.flatMap { roster.holder(of: lease, worker: late.worker.name, boot: $0) }
            log(
                .warning, "shard.overdue",
                [
                    "lease": lease, "stage": late.stage, "key": late.key, "worker": late.worker.name,
                    "seconds": late.seconds.rounded(), "limit": late.limit.rounded(),
                ])
            if holder?.isRunning == false {
                // It waits behind another one that does not end: it has lost nothing.
                _ = try persist { try $0.release([late.lease], worker: late.worker) }
            } else {
                let message =
                    "it took longer than \(Int(late.limit)) s, twenty times what its like took: "
                    + "its slot on worker \(late.worker.name) may never return"
                _ = try persist { ledger in
                    try ledger.fail(
                        late.lease, worker: late.worker, code: "time-limit", error: message, isInfrastructureLoss: true,
                        policy: retry)
                }
                count { $0.lostLeases += 1 }
            }
            if let holder { roster.revoke([lease], at: holder.connection) }
        }
        // The workers hear of it in the answer to their next heartbeat.
        shardsEnded()
        inbox.send(.work)
    }

    /// The database's clock schedules: where it went back, shards and leases would wait until it has caught up.
    private mutating func lookAtTheClock() throws {
        guard let clock = try access.attempt({ try $0.clock() }) else { return }
        let isFirst = standing.isFirstClock
        let back = standing.clock(clock, now: .now)
        guard isFirst || back != nil else { return }
        let (backoff, leaseDuration, grace) = (retry.maxBackoff, timing.leaseDuration, timing.failOverGrace)
        let mended = try persist {
            try $0.mendFuture(longestBackoff: backoff, leaseDuration: leaseDuration, grace: grace)
        }
        guard back != nil || mended > 0 else { return }
        let message =
            "the database's clock went back"
            + (back.map { " by \(Int($0.rounded())) s" } ?? " while no coordinator led")
            + ": \(mended) shards that waited for a time to come go on; set the clock of the database's host by NTP"
        log(.warning, "clock.went-back", ["message": message])
        try persist { try $0.setNotice(kind: "clock", message: message) }
        inbox.send(.work)
    }
}

extension Data {
    /// The bytes of hexadecimal digits; nil for anything else.
    init?(hexText text: String) {
        let digits = text.compactMap(\.hexDigitValue)
        guard digits.count == text.count, digits.count.isMultiple(of: 2) else { return nil }
        self = Data(stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) })
    }
}
