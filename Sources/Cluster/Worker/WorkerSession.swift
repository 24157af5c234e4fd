import Foundation
import Wire

/// What a worker has in hand and what it owes its coordinator: sessions, leases, credit, drain. A value without I/O;
/// `Worker` moves its messages and shards.
package struct WorkerSession {
    package struct Settings: Sendable {
        package var hello: Hello
        package var heartbeatInterval: Duration
        package var leaseDuration: Duration
        /// Enough shards are kept ready to fill the slots for so long.
        package var prefetch = Duration.milliseconds(300)
        package var maximumPrefetchPerSlot = 256
        /// Results that wait for their acknowledgement; beyond it nothing new is asked for.
        package var maximumUnacknowledged = 8192
        package var maximumHeldBytes = 2 << 30
        /// After a drain's deadline, how long the coordinator may take to acknowledge the rest.
        package var farewell = Duration.seconds(5)

        package init(hello: Hello, heartbeatInterval: Duration, leaseDuration: Duration) {
            self.hello = hello
            self.heartbeatInterval = heartbeatInterval
            self.leaseDuration = leaseDuration
        }
    }

    package enum Event {
        case received(WireMessage)
        case finished(ShardResult, heldBytes: Int, seconds: Double)
        case failed(ShardFailure)
        /// Ended without result or fault: it was cancelled, or withdrawn before it began.
        case stopped(ShardLease)
        case drain(deadline: ContinuousClock.Instant)
        /// A heartbeat has something new to say that the coordinator should hear before all else.
        case news
        case tick
    }

    package enum Action: Equatable {
        case send(WireMessage)
        /// A heartbeat, into which the shell puts the shards' progress.
        case heartbeat(sequence: UInt64, held: [ShardLease], limit: UInt64, isDraining: Bool)
        case run(AssignedShard)
        /// Do not begin it; with `whileRunning`, stop it too. The shell says `stopped` when that came true.
        case cancel(ShardLease, whileRunning: Bool)
        /// Its contents are no longer needed.
        case forget(ShardLease)
        /// A new session: whatever waits to be sent belongs to the old one.
        case clearOutbox
        case log(Remark)
        case leave(ClusterError?)
    }

    /// What is worth a line in the log.
    package enum Remark: Equatable, Sendable {
        case sessionBegun(epoch: Int64)
        case coordinatorSilent
        case messageRefused(String)
        /// Shards whose lease ended while this worker had them: `expired`, `revoked` or `superseded`.
        case shardLost(ShardLease, reason: String)
        case resultRefused(ShardLease, outcome: String, reason: String)
        case draining
    }

    package private(set) var settings: Settings
    package private(set) var table = LeaseTable()
    /// Whether a coordinator has welcomed this worker and is being heard.
    package private(set) var isConnected = false
    private var nextHello: Instant?
    private var helloAttempts = 0
    private var lastHeard: Instant?
    private var nextHeartbeat: Instant?
    private var sequence: UInt64 = 0
    private var heartbeats: [UInt64: (sentAt: Instant, held: [ShardLease])] = [:]
    private var nextExpiry: Instant?
    private var received: UInt64 = 0
    private var announcedLimit: UInt64 = 0
    private var averageSeconds: Double?
    private var drainDeadline: Instant?
    private var hasLeft = false

    package init(_ settings: Settings) { self.settings = settings }

    package var isDraining: Bool { drainDeadline != nil }

    package mutating func handle(_ event: Event, now: ContinuousClock.Instant) -> [Action] {
        guard !hasLeft else { return [] }
        switch event {
        case .received(let message): return receive(message, now)
        case .finished(let result, let heldBytes, let seconds):
            averageSeconds = averageSeconds.map { $0 * 0.8 + seconds * 0.2 } ?? seconds
            let isOurs = table.conclude(result.lease, as: .finished(result, heldBytes: heldBytes))
            return isOurs ? [] : [.forget(result.lease)]
        case .failed(let failure):
            _ = table.conclude(failure.lease, as: .failed(failure))
            return []
        case .stopped(let lease):
            _ = table.conclude(lease, as: .returning)
            return []
        case .drain(let deadline):
            guard drainDeadline == nil else {
                drainDeadline = min(deadline, drainDeadline ?? deadline)
                return []
            }
            drainDeadline = deadline
            return [.log(.draining)] + table.assignedLeases.map { .cancel($0, whileRunning: false) }
        case .news: return isConnected ? [beat(now)] : []
        case .tick: return tick(now)
        }
    }

    // MARK: Messages

    private mutating func receive(_ message: WireMessage, _ now: Instant) -> [Action] {
        lastHeard = now
        switch message {
        case .welcome(let welcome): return begin(welcome, now)
        case .refused(let refused): return refuse(refused, now)
        case .assign(let shards) where isConnected: return shards.flatMap { assign($0, now) }
        case .acks(let acks): return acks.flatMap { conclude($0) }
        case .heartbeatAck(let ack): return extend(ack)
        case .drain: return handle(.drain(deadline: now + settings.leaseDuration * 4), now: now)
        default: return []
        }
    }

    private mutating func begin(_ welcome: Welcome, _ now: Instant) -> [Action] {
        isConnected = true
        helloAttempts = 0
        settings.heartbeatInterval = welcome.heartbeatInterval
        settings.leaseDuration = welcome.leaseDuration
        received = 0
        announcedLimit = 0
        heartbeats = [:]
        nextHeartbeat = now + settings.heartbeatInterval
        nextExpiry = nil
        let lost = welcome.revoked.flatMap { drop($0, "revoked") }
        table.renewAll(to: now + settings.leaseDuration)
        return [.clearOutbox, .log(.sessionBegun(epoch: welcome.epoch))] + lost
    }

    private mutating func refuse(_ refused: Refused, _ now: Instant) -> [Action] {
        switch refused.code {
        case .unknownSession, .notLeader:
            isConnected = false
            // At once the first time; a coordinator that keeps refusing is asked ever more seldom.
            if helloAttempts == 0 { nextHello = now }
            return []
        case .version, .identity:
            return leave(ClusterError(.refused, "the coordinator refuses this worker: \(refused.reason)"))
        case .malformed, .unspecified: return [.log(.messageRefused(refused.reason))]
        }
    }

    private mutating func assign(_ shard: AssignedShard, _ now: Instant) -> [Action] {
        received += 1
        guard table[shard.lease] == nil else { return [] }
        // Another attempt at a shard that is still in hand: that one was lost without our knowing.
        let lost = table.attempt(atShardOf: shard.lease).map { drop($0, "superseded") } ?? []
        table.insert(shard.lease, isDraining ? .returning : .assigned, deadline: now + settings.leaseDuration)
        return isDraining ? lost : lost + [.run(shard)]
    }

    private mutating func conclude(_ ack: ShardAck) -> [Action] {
        guard let entry = table[ack.lease], entry.phase != .assigned else { return [] }
        table.remove(ack.lease)
        switch ack.outcome {
        case .accepted, .duplicate: return [.forget(ack.lease)]
        case .stale, .invalid:
            return [
                .forget(ack.lease),
                .log(.resultRefused(ack.lease, outcome: "\(ack.outcome)", reason: ack.reason)),
            ]
        }
    }

    private mutating func extend(_ ack: HeartbeatAck) -> [Action] {
        guard let heartbeat = heartbeats.removeValue(forKey: ack.sequence) else { return [] }
        heartbeats = heartbeats.filter { $0.key > ack.sequence }
        let revoked = Set(ack.revoked)
        // Counted from when it was asked for, so that this clock never trusts longer than the database's. While the
        // ledger is away nobody else can get the shards, so they are kept just as well.
        for lease in heartbeat.held where !revoked.contains(lease) {
            table.extend(lease, to: heartbeat.sentAt + settings.leaseDuration)
        }
        nextExpiry = nil
        return ack.revoked.flatMap { drop($0, "revoked") }
    }

    private mutating func drop(_ lease: ShardLease, _ reason: String) -> [Action] {
        guard let entry = table.remove(lease) else { return [] }
        guard entry.phase == .assigned else { return [.forget(lease)] }
        return [.cancel(lease, whileRunning: true), .log(.shardLost(lease, reason: reason))]
    }

    private mutating func leave(_ error: ClusterError?) -> [Action] {
        hasLeft = true
        return [.leave(error)]
    }

    // MARK: Time

    private mutating func tick(_ now: Instant) -> [Action] {
        var actions: [Action] = []
        if isConnected, let lastHeard, now - lastHeard >= settings.heartbeatInterval * 3 {
            isConnected = false
            nextHello = now
            actions.append(.log(.coordinatorSilent))
        }
        actions += expire(now)
        if !isConnected, nextHello.map({ now >= $0 }) ?? true {
            var hello = settings.hello
            hello.held = table.leases
            actions += [.clearOutbox, .send(.hello(hello))]
            // Ever more seldom, but never so that a coordinator that is slow to welcome it takes it for silent.
            nextHello = now + min(.milliseconds(200) * (1 << min(helloAttempts, 5)), settings.heartbeatInterval * 2)
            helloAttempts += 1
        }
        actions += report()
        if isConnected, let due = nextHeartbeat, now >= due { actions.append(beat(now)) }
        return actions + advanceDrain(now)
    }

    private mutating func beat(_ now: Instant) -> Action {
        sequence += 1
        let held = table.leases
        heartbeats[sequence] = (now, held)
        heartbeats = heartbeats.filter { $0.key + 8 > sequence }
        nextHeartbeat = now + settings.heartbeatInterval
        return .heartbeat(sequence: sequence, held: held, limit: announcedLimit, isDraining: isDraining)
    }

    /// Nothing renewed these leases in time although a coordinator is heard: by now they may be somebody else's. Results
    /// that are done already are kept, since the ledger's fence decides about them.
    ///
    /// While no coordinator is heard, shards are kept past their time: there is nobody to give them to another worker,
    /// the next one to lead grants a grace and says in its welcome which leases still hold, and if this worker alone is
    /// cut off, it computes at worst what the fence then refuses.
    private mutating func expire(_ now: Instant) -> [Action] {
        guard isConnected else { return [] }
        if let nextExpiry, now < nextExpiry { return [] }
        nextExpiry = now + settings.heartbeatInterval / 4
        let margin = min(settings.heartbeatInterval, settings.leaseDuration / 5)
        return table.overdue(at: now + margin).flatMap { drop($0, "expired") }
    }

    /// What the coordinator has not been told yet, in few messages, and how much more this worker can take.
    private mutating func report() -> [Action] {
        guard isConnected else { return [] }
        var batch = ResultBatch()
        for (lease, phase) in table.takeUnsent() { batch.add(lease, phase) }
        var actions = batch.finish().map { Action.send($0) }
        let limit = wantedLimit
        // Small steps only while little is on its way: otherwise every shard would cost a message.
        if limit >= announcedLimit + max(1, UInt64(wantedAhead / 4)) {
            announcedLimit = limit
            actions.append(.send(.want(limit: limit)))
        }
        return actions
    }

    private var wantedLimit: UInt64 {
        guard !isDraining, table.unacknowledged < settings.maximumUnacknowledged,
            table.heldBytes < settings.maximumHeldBytes
        else { return announcedLimit }
        return max(announcedLimit, received + UInt64(max(0, wantedAhead - table.assigned)))
    }

    /// Shards to have in hand: one a slot at work, and as many ready as fill the slots for `prefetch`, at least one each.
    private var wantedAhead: Int {
        let slots = Int(settings.hello.slots)
        guard let averageSeconds else { return slots * 2 }
        let perSlot = settings.prefetch.inSeconds / max(averageSeconds, 1e-6)
        return slots + slots * Int(min(max(perSlot, 1), Double(settings.maximumPrefetchPerSlot)))
    }

    private mutating func advanceDrain(_ now: Instant) -> [Action] {
        guard let deadline = drainDeadline else { return [] }
        var actions: [Action] = []
        if now >= deadline, table.assigned > 0 {
            for lease in table.assignedLeases {
                // It goes back at once; should it still finish, nobody counts it.
                _ = table.conclude(lease, as: .returning)
                actions.append(.cancel(lease, whileRunning: true))
            }
            actions += report()
        }
        // Nobody to say goodbye to: what is done is done, the leases run out by themselves.
        let isOver = table.isEmpty || now >= deadline + settings.farewell
        guard isOver else { return actions }
        // Also after a hello that was not answered yet: who reads that one reads this one next.
        if isConnected || helloAttempts > 0 { actions.append(.send(.goodbye(reason: "drained"))) }
        return actions + leave(nil)
    }
}
