/// For how long a coordinator may believe that it leads. Its own clock only ever shortens what the database granted. A
/// value without I/O.
package struct LeaderTrust {
    package enum Verdict: Equatable {
        case trusted
        /// Nothing was heard from the ledger for so long that another may lead: do nothing new until it answers.
        case lapsed
    }

    private let timeToLive: Duration
    private let margin: Duration
    private var askedAt: Instant

    /// - Parameter askedAt: when the acquisition that succeeded was begun, not when it was answered.
    package init(askedAt: ContinuousClock.Instant, timeToLive: Duration) {
        self.askedAt = askedAt
        self.timeToLive = timeToLive
        margin = min(timeToLive / 5, .seconds(1))
    }

    /// A renewal that was begun at `askedAt` succeeded.
    package mutating func renewed(askedAt: ContinuousClock.Instant) {
        self.askedAt = max(self.askedAt, askedAt)
    }

    package var trustedUntil: ContinuousClock.Instant { askedAt + timeToLive - margin }

    package func verdict(now: ContinuousClock.Instant) -> Verdict { now < trustedUntil ? .trusted : .lapsed }

    /// When to ask for the next renewal: early enough for two failures.
    package var nextRenewal: ContinuousClock.Instant { askedAt + timeToLive / 3 }
}

/// When leases that ran out may be declared lost: not while the ledger is away, and not before workers had the time for
/// a heartbeat afterwards, since nothing could be renewed meanwhile. A value without I/O.
package struct SweepGate {
    private let interval: Duration
    private let grace: Duration
    private let patience: Duration
    private var next: Instant
    private var lastTurn: Instant
    private var isHeldForSlowness = false

    /// - Parameter patience: turns of the loop that take longer than this have kept heartbeats waiting.
    package init(start: ContinuousClock.Instant, interval: Duration, grace: Duration, patience: Duration) {
        self.interval = interval
        self.grace = grace
        self.patience = patience
        next = start + interval
        lastTurn = start
    }

    package mutating func ledgerCameBack(now: ContinuousClock.Instant) { next = max(next, now + grace) }

    /// The loop that renews leases begins a turn. When the last one took long (the host stood still, the disk under
    /// PostgreSQL was slow), leases may have run out that nobody could renew. One such wait, then one sweep: where all
    /// turns are slow, what is lost is found nevertheless.
    package mutating func turn(now: ContinuousClock.Instant) {
        defer { lastTurn = now }
        guard now - lastTurn > patience, !isHeldForSlowness else { return }
        isHeldForSlowness = true
        ledgerCameBack(now: now)
    }

    /// Whether to sweep now; at most once an interval.
    package mutating func mayPass(now: ContinuousClock.Instant) -> Bool {
        guard now >= next else { return false }
        next = now + interval
        isHeldForSlowness = false
        return true
    }
}
