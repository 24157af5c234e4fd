import Wire

/// Slots that were told to stop and do not return: a read from a file system that hangs, an endless loop. Nothing but the
/// end of the process frees them. A value without I/O.
package struct StuckSlots {
    private var cancelled: [ShardLease: ContinuousClock.Instant] = [:]
    private let patience: Duration

    /// - Parameter patience: how long a slot may take to look whether it was told to stop.
    package init(patience: Duration) { self.patience = patience }

    /// A shard that a slot is working on was told to stop.
    package mutating func toldToStop(_ lease: ShardLease, now: ContinuousClock.Instant) {
        if cancelled[lease] == nil { cancelled[lease] = now }
    }

    /// All that were told to stop and have not returned yet.
    package var leases: [ShardLease] { cancelled.keys.sorted() }

    package mutating func returned(_ lease: ShardLease) { cancelled[lease] = nil }

    /// Those whose time is up, with how long they have been waited for.
    package func stuck(now: ContinuousClock.Instant) -> [(lease: ShardLease, waited: Duration)] {
        cancelled.filter { now - $0.value >= patience }.map { ($0.key, now - $0.value) }.sorted { $0.0 < $1.0 }
    }
}
