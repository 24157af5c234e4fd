import Foundation
import Ledger
import Wire

/// Which worker may be given how many shards, and which it was given. A value without I/O.
package struct WorkerRoster {
    package struct Session: Sendable {
        package let hello: Hello
        /// Shards that may have been assigned since the welcome, in total.
        package fileprivate(set) var limit: UInt64 = 0
        package fileprivate(set) var assigned: UInt64 = 0
        /// What it was given and has not answered for, in the order in which it was given.
        fileprivate var outstanding: [ShardLease] = []
        fileprivate var ended: Set<ShardLease> = []
        fileprivate var running: Set<ShardLease> = []
        package fileprivate(set) var isDraining = false
        package fileprivate(set) var isReachable = true
        /// Nothing was found for it; it is not asked for again before this, unless there is news.
        package fileprivate(set) var dryUntil: ContinuousClock.Instant?
        /// The same for shards kept ready.
        fileprivate var readyDryUntil: ContinuousClock.Instant?
        /// What keeps it from work, as its last heartbeat said.
        package fileprivate(set) var troubles: [Wire.Heartbeat.Trouble] = []
        /// Of which stage and kind the outstanding shards are.
        fileprivate var kinds: [Int64: ShardKind] = [:]
        /// The stage of what it was given last.
        fileprivate var stage: StageOfJob?
        /// Centres of jobs whose fingerprints it was sent.
        fileprivate var fingerprints: Set<JobCentre> = []

        package var identity: PeerTable.Identity { PeerTable.Identity(name: hello.worker, boot: hello.boot) }
        package var held: [ShardLease] { outstanding.filter { !ended.contains($0) } }
        package var heldCount: Int { outstanding.count - ended.count }
        package var credit: Int { isDraining || !isReachable || assigned >= limit ? 0 : Int(clamping: limit - assigned) }
        /// Shards that it works on although they are no longer its own: their slots have not noticed yet, or never will.
        fileprivate var lingering: Set<ShardLease> = []
        /// Slots that can work: those that do not return cannot.
        package var slots: Int { max(0, Int(hello.slots) - max(lingering.count, troubles.count { $0.centre == nil })) }
        /// Slots that have nothing to do.
        package var idleSlots: Int { max(0, slots - heldCount) }
        /// Centres whose shards it takes.
        package var centres: [String] {
            hello.centres.filter { centre in !troubles.contains { $0.centre == centre && $0.job == nil } }
        }
        /// Centres whose shards of one job it does not take: its folder holds another archive than the job's.
        package var excluded: [JobCentre] {
            troubles.compactMap { trouble in
                guard let centre = trouble.centre, let job = trouble.job else { return nil }
                return JobCentre(job: JobID(job), centre: centre)
            }
        }
    }

    /// Shards that take about equally long: of one stage, and with the same word before the `/` of their keys (a replica
    /// and a validation shard of one stage have little in common).
    fileprivate struct ShardKind {
        var stage: StageOfJob
        var word: String
    }

    package struct Claim: Equatable {
        package enum Purpose: Equatable {
            /// For slots that have nothing to do: whatever comes next.
            case begin
            /// To be kept ready behind what runs, of a stage of which is known how long its shards take.
            case ready(StageOfJob)
        }

        package var connection: Data
        /// The most that the worker can use; `share` says how much of it is fair.
        package var limit: Int
        package var purpose: Purpose

        package init(connection: Data, limit: Int, purpose: Purpose = .begin) {
            self.connection = connection
            self.limit = limit
            self.purpose = purpose
        }
    }

    private var sessions: [Data: Session] = [:]
    private var turn = 0
    /// How long shards take, in seconds: a moving mean of each kind.
    private var seconds: [StageOfJob: [String: Double]] = [:]
    /// The most shards of one claim and one message.
    private let claimSize: Int

    package init(claimSize: Int = 512) { self.claimSize = claimSize }

    package var count: Int { sessions.count }
    package subscript(connection: Data) -> Session? { sessions[connection] }
    package var centres: [String] { Set(sessions.values.flatMap(\.hello.centres)).sorted() }

    /// A worker says hello, for the first time or again.
    package mutating func welcome(_ hello: Hello, at connection: Data, replacing earlier: Data?) {
        if let earlier { sessions[earlier] = nil }
        var session = Session(hello: hello)
        session.outstanding = hello.held
        sessions[connection] = session
    }

    package mutating func want(_ limit: UInt64, at connection: Data) {
        guard let session = sessions[connection], limit > session.limit else { return }
        sessions[connection]?.limit = limit
    }

    /// - Returns: whether it says something new of the worker's troubles.
    @discardableResult
    package mutating func heartbeat(_ heartbeat: Wire.Heartbeat, at connection: Data) -> Bool {
        want(heartbeat.limit, at: connection)
        var changed = false
        if let known = sessions[connection]?.troubles {
            func text(_ troubles: [Wire.Heartbeat.Trouble]) -> [[String]] {
                troubles.map { [$0.centre ?? "", $0.job.map(String.init) ?? "", $0.reason] }
            }
            changed = text(known) != text(heartbeat.troubles)
            sessions[connection]?.troubles = heartbeat.troubles
            if changed {
                sessions[connection]?.dryUntil = nil
                sessions[connection]?.readyDryUntil = nil
            }
        }
        let running = Set(heartbeat.held.filter(\.isRunning).map(\.lease))
        sessions[connection]?.running = running
        sessions[connection]?.lingering.formIntersection(running)
        if heartbeat.isDraining { sessions[connection]?.isDraining = true }
        return changed
    }

    /// The connection of a worker's life, and whether it says that it works on the lease.
    package func holder(of lease: ShardLease, worker: String, boot: Data) -> (connection: Data, isRunning: Bool)? {
        sessions.first { $0.value.hello.worker == worker && $0.value.hello.boot == boot }
            .map { ($0.key, $0.value.running.contains(lease)) }
    }

    /// Whether the worker must be told what a job's centre is recognised by; it counts as told from now on.
    package mutating func tellsFingerprint(of place: JobCentre, at connection: Data) -> Bool {
        sessions[connection]?.fingerprints.insert(place).inserted ?? false
    }

    /// A shard came to its end after `time` seconds of work.
    package mutating func finished(_ lease: ShardLease, at connection: Data, seconds time: Double) {
        guard let kind = sessions[connection]?.kinds[lease.shard] else { return }
        // Words are few (centres, replicas, validation): a stage that has more is of one kind.
        let isKnown = seconds[kind.stage]?[kind.word] != nil || (seconds[kind.stage]?.count ?? 0) < 64
        let word = isKnown ? kind.word : ""
        let known = seconds[kind.stage]?[word]
        seconds[kind.stage, default: [:]][word] = known.map { $0 * 0.8 + time * 0.2 } ?? time
        // Jobs of long ago: what is forgotten is learnt again from the first shard.
        if seconds.count > 256, let oldest = seconds.keys.min(by: { $0.job < $1.job }) { seconds[oldest] = nil }
    }

    /// The socket says that nobody is there: nothing more is assigned on this connection.
    package mutating func unreachable(_ connection: Data) { sessions[connection]?.isReachable = false }

    package mutating func assigned(_ leases: [ShardLease], at connection: Data) {
        sessions[connection]?.assigned += UInt64(leases.count)
        sessions[connection]?.outstanding += leases
    }

    /// As `assigned` of their leases, with what they are.
    package mutating func assigned(_ shards: [AssignedShard], at connection: Data) {
        guard var session = sessions.removeValue(forKey: connection) else { return }
        for shard in shards {
            let stage = StageOfJob(job: JobID(shard.job), stage: shard.stage)
            session.kinds[shard.lease.shard] = ShardKind(
                stage: stage, word: shard.key.firstIndex(of: "/").map { String(shard.key[..<$0]) } ?? "")
            session.stage = stage
        }
        sessions[connection] = session
        assigned(shards.map(\.lease), at: connection)
    }

    /// These leases are no longer the worker's. A slot that works on one is busy until a heartbeat says that it has left it.
    package mutating func revoke(_ leases: [ShardLease], at connection: Data) {
        guard let running = sessions[connection]?.running else { return }
        sessions[connection]?.lingering.formUnion(running.intersection(leases))
        end(leases, at: connection)
    }

    /// The last word about these leases was said.
    package mutating func end(_ leases: some Sequence<ShardLease>, at connection: Data) {
        guard var session = sessions.removeValue(forKey: connection) else { return }
        session.ended.formUnion(leases)
        for lease in leases { session.kinds[lease.shard] = nil }
        if session.ended.count > 64, session.ended.count * 2 > session.outstanding.count {
            let ended = session.ended
            session.outstanding.removeAll { ended.contains($0) }
            session.ended = []
        }
        sessions[connection] = session
    }

    /// The worker is gone.
    ///
    /// - Returns: its session, the leases that its slots may have been working on (each counts as a loss), and those
    ///   that only waited there.
    package mutating func remove(_ connection: Data) -> (session: Session, working: [ShardLease], waiting: [ShardLease])? {
        guard let session = sessions.removeValue(forKey: connection) else { return nil }
        let held = session.held
        // Slots take shards in the order in which they came; its last heartbeat names those that it had begun.
        var working: [ShardLease] = []
        var waiting: [ShardLease] = []
        for (index, lease) in held.enumerated() {
            if index < Int(session.hello.slots) || session.running.contains(lease) {
                working.append(lease)
            } else {
                waiting.append(lease)
            }
        }
        return (session, working, waiting)
    }

    // MARK: Claims

    /// Nothing was found for this worker.
    package mutating func dry(_ connection: Data, until time: ContinuousClock.Instant) {
        sessions[connection]?.dryUntil = time
    }

    /// No shards to be kept ready were found for it.
    package mutating func readyDry(_ connection: Data, until time: ContinuousClock.Instant) {
        sessions[connection]?.readyDryUntil = time
    }

    /// There may be work again.
    package mutating func refill() {
        for connection in sessions.keys {
            sessions[connection]?.dryUntil = nil
            sessions[connection]?.readyDryUntil = nil
        }
    }

    /// What to claim now. Idle slots of all workers come first, those of the least loaded worker before others; shards to be
    /// kept ready only when no slot is idle, and more than one a slot only of a stage whose shards are known to be quick: a
    /// slow one that waits behind another in one worker's queue is one that another worker's idle slot cannot have.
    package mutating func claims(now: ContinuousClock.Instant) -> [Claim] {
        let open = sessions.filter { $0.value.credit > 0 && ($0.value.dryUntil.map { now >= $0 } ?? true) }
        guard !open.isEmpty else { return [] }
        let order = open.keys.sorted { $0.lexicographicallyPrecedes($1) }
        turn &+= 1
        let start = turn % order.count
        let fair = (order[start...] + order[..<start]).compactMap { connection in open[connection].map { (connection, $0) } }
        let idle = fair.filter { $0.1.idleSlots > 0 }
        guard idle.isEmpty else {
            let sorted = idle.enumerated().sorted { left, right in
                let (a, b) = (left.element.1, right.element.1)
                let (loadOfA, loadOfB) = (a.heldCount * b.slots, b.heldCount * a.slots)
                return loadOfA == loadOfB ? left.offset < right.offset : loadOfA < loadOfB
            }
            return sorted.map { entry in
                let (connection, session) = entry.element
                return Claim(connection: connection, limit: min(session.idleSlots, session.credit, claimSize))
            }
        }
        return fair.compactMap { connection, session in
            guard session.readyDryUntil.map({ now >= $0 }) ?? true, let stage = session.stage else { return nil }
            let target = session.slots * (1 + readyPerSlot(stage))
            let limit = min(target - session.heldCount, session.credit, claimSize)
            // Not shard by shard where there are hundreds: each claim is a transaction.
            guard limit > 0, limit >= min(target / 8, session.credit) else { return nil }
            return Claim(connection: connection, limit: limit, purpose: .ready(stage))
        }
    }

    /// Shards kept ready for each slot: enough for `readyTime`, one of those that take up to `slow` or of which nothing is
    /// known yet, none of slower ones: the way to the coordinator and back costs them nothing.
    private func readyPerSlot(_ stage: StageOfJob) -> Int {
        guard let longest = seconds[stage]?.values.max() else { return 1 }
        guard longest < Self.slow else { return 0 }
        return Int(min(max(Self.readyTime / max(longest, 1e-6), 1), Double(Self.mostReadyPerSlot)))
    }

    private static let readyTime = 0.3
    private static let slow = 2.0
    private static let mostReadyPerSlot = 256

    /// How many workers have slots that have nothing to do.
    package var workersWithIdleSlots: Int { sessions.values.count { $0.credit > 0 && $0.idleSlots > 0 } }

    /// How much of a claim is fair when `queued` shards are left: idle slots share them out, rounded up; of shards to be kept
    /// ready what is left over after an even division stays for the slot that is free first.
    package func share(of queued: Int, for claim: Claim, now: ContinuousClock.Instant = .now) -> Int {
        guard let session = sessions[claim.connection] else { return 0 }
        let able = sessions.values.filter { !$0.isDraining && $0.isReachable }
        switch claim.purpose {
        case .begin:
            // Those for whom nothing was found a moment ago will not take their part.
            let taking = able.filter { $0.credit > 0 && ($0.dryUntil.map { now >= $0 } ?? true) }
            let all = taking.reduce(0) { $0 + $1.idleSlots }
            guard all > 0 else { return min(claim.limit, queued) }
            return min(claim.limit, (queued * session.idleSlots + all - 1) / all)
        case .ready:
            return min(claim.limit, queued * session.slots / max(1, able.reduce(0) { $0 + $1.slots }))
        }
    }
}
