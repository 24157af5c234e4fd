import Foundation
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

        package var identity: PeerTable.Identity { PeerTable.Identity(name: hello.worker, boot: hello.boot) }
        package var held: [ShardLease] { outstanding.filter { !ended.contains($0) } }
        package var heldCount: Int { outstanding.count - ended.count }
        package var credit: Int { isDraining || !isReachable || assigned >= limit ? 0 : Int(clamping: limit - assigned) }
        /// Slots that have nothing to do.
        package var idleSlots: Int { max(0, Int(hello.slots) - heldCount) }
    }

    package struct Claim: Equatable {
        package var connection: Data
        package var limit: Int

        package init(connection: Data, limit: Int) {
            self.connection = connection
            self.limit = limit
        }
    }

    private var sessions: [Data: Session] = [:]
    private var turn = 0
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

    package mutating func heartbeat(_ heartbeat: Heartbeat, at connection: Data) {
        want(heartbeat.limit, at: connection)
        sessions[connection]?.running = Set(heartbeat.held.filter(\.isRunning).map(\.lease))
        if heartbeat.isDraining { sessions[connection]?.isDraining = true }
    }

    /// The socket says that nobody is there: nothing more is assigned on this connection.
    package mutating func unreachable(_ connection: Data) { sessions[connection]?.isReachable = false }

    package mutating func assigned(_ leases: [ShardLease], at connection: Data) {
        sessions[connection]?.assigned += UInt64(leases.count)
        sessions[connection]?.outstanding += leases
    }

    /// The last word about these leases was said.
    package mutating func end(_ leases: some Sequence<ShardLease>, at connection: Data) {
        guard var session = sessions.removeValue(forKey: connection) else { return }
        session.ended.formUnion(leases)
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

    /// There may be work again.
    package mutating func refill() {
        for connection in sessions.keys { sessions[connection]?.dryUntil = nil }
    }

    /// What to claim now. While slots of several workers are idle each gets only what its idle slots can begin, so that
    /// no shard waits in one worker's queue while another has nothing to do; then come the shards kept ready.
    package mutating func claims(now: ContinuousClock.Instant) -> [Claim] {
        let open = sessions.filter { $0.value.credit > 0 && ($0.value.dryUntil.map { now >= $0 } ?? true) }
        guard !open.isEmpty else { return [] }
        let order = open.keys.sorted { $0.lexicographicallyPrecedes($1) }
        turn &+= 1
        let start = turn % order.count
        let fair = order[start...] + order[..<start]
        let idle = fair.filter { (open[$0]?.idleSlots ?? 0) > 0 }
        // A single one with idle slots takes nothing from anybody.
        guard idle.count > 1 else {
            let first = idle.first
            let sorted = fair.filter { $0 == first } + fair.filter { $0 != first }
            return sorted.map { Claim(connection: $0, limit: min(open[$0]?.credit ?? 0, claimSize)) }
        }
        return idle.map { connection in
            let session = open[connection]
            return Claim(connection: connection, limit: min(session?.idleSlots ?? 0, session?.credit ?? 0, claimSize))
        }
    }
}
