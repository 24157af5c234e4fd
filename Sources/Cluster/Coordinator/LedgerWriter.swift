import Digest
import Foundation
import Ledger
import Stages
import Wire

/// What the ledger's writer is asked to do.
enum WriterCommand: Sendable {
    case hello(Hello, at: Data, replacing: Data?)
    case goodbye(at: Data)
    /// The socket has nobody at the connection's other end.
    case unreachable(at: Data)
    /// Nothing was heard for too long.
    case silent(at: Data)
    case heartbeat(Wire.Heartbeat, at: Data)
    case want(UInt64, at: Data)
    /// Their contents are in the ledger already.
    case results([ShardResult], at: Data)
    case failures([ShardFailure], at: Data)
    case giveBack([ShardLease], at: Data)
    /// There may be new shards to hand out.
    case work
}

/// The one thread that writes shards and leases. Whatever came while it was busy becomes one transaction of each kind,
/// and acknowledgements leave only after their commit.
struct LedgerWriter {
    let access: LedgerAccess
    let inbox: Mailbox<WriterCommand>
    let outbox: RouterOutbox
    let timing: ClusterTiming
    let retry: RetryPolicy
    let epoch: Int64
    let log: EventLog
    let count: CounterBox
    /// Called after commits, failures and losses: a round may be over.
    let shardsEnded: @Sendable () -> Void
    let isTrusted: @Sendable () -> Bool

    var roster = WorkerRoster()
    private var gate: SweepGate
    /// Of the ledger's returns from an outage, those that the gate knows of.
    private var returnsSeen = 0
    var standing: StandingWatch
    private var fingerprints: [JobCentre: Data] = [:]
    private var stagesWithoutFingerprint: Set<[String]> = []
    private var seeds: [JobID: UInt64] = [:]
    private var nextAnnouncement: Instant

    init(
        access: LedgerAccess, configuration: Coordinator.Configuration, term: CoordinatorTerm,
        isTrusted: @escaping @Sendable () -> Bool
    ) {
        self.access = access
        inbox = term.writer
        outbox = term.outbox
        timing = configuration.timing
        retry = configuration.retry
        epoch = term.epoch
        log = term.log
        count = term.count
        shardsEnded = { term.driver.send(.shardsEnded) }
        self.isTrusted = isTrusted
        gate = SweepGate(
            start: .now, interval: configuration.timing.sweepInterval,
            // A whole lease: after an outage all have run out in the database, and busy hosts are slow to renew them.
            grace: max(configuration.timing.leaseDuration, configuration.timing.heartbeatInterval * 2 + configuration.timing.sweepInterval),
            patience: configuration.timing.heartbeatInterval)
        nextAnnouncement = .now
        standing = StandingWatch(interval: configuration.timing.sweepInterval * 5, start: .now)
    }

    mutating func run(until stop: StopFlag) throws {
        while !stop.isSet {
            gate.turn(now: .now)
            let commands = inbox.receiveAll(atMost: min(timing.pollInterval, timing.sweepInterval) / 2)
            try perform(commands)
            try sweep()
            try assign()
        }
    }

    /// Runs `body` against the ledger until it succeeds.
    mutating func persist<Result>(_ body: (Ledger) throws -> Result) throws -> Result { try access.persist(body) }

    private mutating func perform(_ commands: [WriterCommand]) throws {
        var results: [(ShardResult, Data)] = []
        var heartbeats: [(Wire.Heartbeat, Data)] = []
        // In order, so that a connection's hello precedes what it says next, and its results precede its goodbye.
        for command in commands {
            switch command {
            case .results(let more, let connection): results += more.map { ($0, connection) }
            case .heartbeat(let heartbeat, let connection):
                if roster.heartbeat(heartbeat, at: connection) { try noteTroubles(heartbeat.troubles, connection) }
                heartbeats.append((heartbeat, connection))
            case .want(let limit, let connection): roster.want(limit, at: connection)
            case .work: roster.refill()
            case .unreachable(let connection): roster.unreachable(connection)
            case .hello, .goodbye, .silent, .failures, .giveBack:
                try commit(&results)
                do { try single(command) } catch let error as LedgerError where error.cause == .values {
                    // Whatever one peer says must not end the term of all.
                    log(.error, "command.refused", ["reason": error.message])
                }
            }
        }
        try commit(&results)
        try renew(heartbeats)
    }

    private mutating func single(_ command: WriterCommand) throws {
        switch command {
        case .hello(let hello, let connection, let earlier): try welcome(hello, connection, replacing: earlier)
        case .goodbye(let connection): try goodbye(connection)
        case .silent(let connection): try lose(connection)
        case .failures(let failures, let connection): try fail(failures, connection)
        case .giveBack(let leases, let connection): try giveBack(leases, connection)
        default: break
        }
    }

    /// The worker's life as the ledger names it; nil when the connection is no longer known.
    func incarnation(at connection: Data) -> WorkerIncarnation? {
        roster[connection].map { WorkerIncarnation(name: $0.hello.worker, boot: $0.hello.boot.hexText) }
    }

    // MARK: Heartbeats and leases that end

    private mutating func renew(_ heartbeats: [(Wire.Heartbeat, Data)]) throws {
        let known = heartbeats.compactMap { heartbeat, connection in
            incarnation(at: connection).map { (heartbeat, connection, $0) }
        }
        guard !known.isEmpty else { return }
        let leaseDuration = timing.leaseDuration
        let renewed = try persist { ledger in
            try ledger.renew(
                known.map { LedgerHeartbeat(worker: $0.2, leases: $0.0.held.map { LeaseKey($0.lease) }) },
                leaseDuration: leaseDuration)
        }
        for (heartbeat, connection, _) in known {
            let revoked = heartbeat.held.map(\.lease).filter { !renewed.contains(LeaseKey($0)) }
            roster.revoke(revoked, at: connection)
            let ack = HeartbeatAck(sequence: heartbeat.sequence, revoked: revoked, isLedgerAway: false, epoch: epoch)
            outbox.send(.heartbeatAck(ack), to: connection)
        }
    }

    private mutating func sweep() throws {
        guard isTrusted() else { return }
        // Whether it is back must not be found out by the sweep itself: all leases ran out meanwhile.
        if access.isAway { _ = try access.attempt { try $0.ping() } }
        if access.returnCount != returnsSeen {
            returnsSeen = access.returnCount
            gate.ledgerCameBack(now: .now)
        }
        guard gate.mayPass(now: .now) else { return }
        let (retry, silence) = (retry, timing.leaseDuration)
        // Once, and never repeated until the ledger is back: leases that ran out during the outage would then be
        // swept before the heartbeats that wait in the inbox could renew them.
        let swept = try access.attempt { ledger in
            _ = try ledger.markLost(silentFor: silence)
            return try ledger.expireLeases(policy: retry)
        }
        guard let swept else { return gate.ledgerCameBack(now: .now) }
        note(swept)
        try lookForWhatStands()
    }

    func note(_ lost: [LostLease]) {
        guard !lost.isEmpty else { return }
        count { $0.lostLeases += lost.count }
        for lease in lost.prefix(20) {
            log(
                .warning, "lease.lost",
                [
                    "stage": lease.stage, "round": lease.round, "key": lease.key, "worker": lease.worker.name,
                    "outcome": "\(lease.outcome)",
                ])
        }
        shardsEnded()
        inbox.send(.work)
    }

    // MARK: Handing out

    private mutating func assign() throws {
        guard isTrusted() else { return }
        // A few turns: idle slots share out what there is, and then come the shards to be kept ready.
        for _ in 0..<4 {
            let claims = roster.claims(now: .now)
            guard !claims.isEmpty else { return }
            for claim in claims { try assign(claim) }
        }
    }

    private mutating func assign(_ claim: WorkerRoster.Claim) throws {
        guard let session = roster[claim.connection], let worker = incarnation(at: claim.connection), claim.limit > 0 else {
            return
        }
        let (centres, excluded) = (session.centres, session.excluded)
        let stage: StageOfJob? = if case .ready(let stage) = claim.purpose { stage } else { nil }
        var limit = claim.limit
        // A single worker with idle slots takes nothing from anybody.
        if stage != nil || roster.workersWithIdleSlots > 1 {
            let queued = try persist { try $0.queued(centres: centres, only: stage) }
            limit = roster.share(of: queued, for: claim)
        }
        let leaseDuration = timing.leaseDuration
        let held = session.held.map { LeaseKey($0) }
        var isRepeated = false
        let shards = try persist { ledger in
            // A claim whose answer was lost may have been written: nobody would know of those leases.
            if isRepeated { try ledger.release(allBut: held, worker: worker) }
            isRepeated = true
            return try ledger.claim(
                worker: worker, centres: centres, setup: session.hello.numericSetup, limit: limit,
                leaseDuration: leaseDuration, excluding: excluded, only: stage)
        }
        if shards.count < limit || limit == 0 {
            let next = ContinuousClock.now + timing.pollInterval
            if stage == nil { roster.dry(claim.connection, until: next) } else { roster.readyDry(claim.connection, until: next) }
        }
        guard !shards.isEmpty else { return }
        let claimed = try shards.map { shard in
            AssignedShard(
                lease: ShardLease(shard.lease), job: shard.job.rawValue, stage: shard.stage, kind: shard.kind, round: shard.round,
                key: shard.key, centre: shard.centre.isEmpty ? nil : shard.centre, seed: try seed(of: shard.job),
                input: shard.input, fingerprint: try fingerprint(for: shard, at: claim.connection))
        }
        // One that no message has a place for must not keep the others from their worker.
        for shard in claimed { if let reason = shard.refusal { try setAside(shard, worker, reason) } }
        let assigned = claimed.filter { $0.refusal == nil }
        roster.assigned(assigned, at: claim.connection)
        count { $0.assignedShards += assigned.count }
        for message in WireMessage.assigning(assigned) { outbox.send(message, to: claim.connection) }
    }

    private mutating func setAside(_ shard: AssignedShard, _ worker: WorkerIncarnation, _ reason: String) throws {
        let retry = retry
        _ = try persist { ledger in
            try ledger.fail(
                LeaseKey(shard.lease), worker: worker, code: "shard-too-large", error: "the shard cannot be sent: \(reason)",
                isInfrastructureLoss: false, isDeterministic: true, policy: retry)
        }
        log(.error, "shard.not-sent", ["lease": shard.lease, "stage": shard.stage, "reason": reason])
        shardsEnded()
    }

    /// What the shard's centre is recognised by, where the worker has not been told yet.
    private mutating func fingerprint(for shard: ClaimedShard, at connection: Data) throws -> Data? {
        guard !shard.centre.isEmpty else { return nil }
        let place = JobCentre(job: shard.job, centre: shard.centre)
        if fingerprints[place] == nil {
            // Not there before the catalogue's end: asked for once a stage.
            guard stagesWithoutFingerprint.insert(["\(shard.job)", shard.stage, shard.centre]).inserted else { return nil }
            fingerprints[place] = try persist { try $0.fingerprint(job: place.job, centre: place.centre) }
        }
        guard let known = fingerprints[place], roster.tellsFingerprint(of: place, at: connection) else { return nil }
        return known
    }

    private mutating func seed(of job: JobID) throws -> UInt64 {
        if let known = seeds[job] { return known }
        guard let found = try persist({ try $0.job(job) }) else {
            throw ClusterError(.ledger, "job \(job) has shards, but is not in the ledger")
        }
        let seed = UInt64(bitPattern: found.seed)
        seeds[job] = seed
        return seed
    }
}

extension LeaseKey {
    init(_ lease: ShardLease) { self.init(shard: ShardID(lease.shard), fence: lease.attempt) }
}

extension ShardLease {
    init(_ key: LeaseKey) { self.init(shard: key.shard.rawValue, attempt: key.fence) }
}

extension Data {
    /// Lower-case hexadecimal digits.
    var hexText: String { map { String(format: "%02x", $0) }.joined() }
}
