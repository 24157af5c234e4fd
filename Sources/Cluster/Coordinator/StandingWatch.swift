import Foundation
import Ledger

/// Remembers what stands, so that the log says each thing once, and whether the database's clock went back. A value without
/// I/O; the ledger's writer looks.
package struct StandingWatch {
    package struct Key: Hashable, Sendable {
        package var job: JobID
        package var kind: String
        package var stage: String
        package var centre: String?
    }

    private let interval: Duration
    private var nextLook: ContinuousClock.Instant
    /// What was seen at the last look, and whether the log has it.
    private var known: [Key: Bool] = [:]
    private var lastClock: (database: Double, steady: ContinuousClock.Instant)?

    package init(interval: Duration, start: ContinuousClock.Instant) {
        self.interval = interval
        nextLook = start + interval
    }

    /// Whether it is time to look again; counts as looked.
    package mutating func isDue(_ now: ContinuousClock.Instant) -> Bool {
        guard now >= nextLook else { return false }
        nextLook = now + interval
        return true
    }

    /// - Returns: what has stood since the last look and was not said yet, and what was said and is over. What is gone at the
    ///   next look was only a moment between two steps.
    package mutating func note(
        _ waits: [(job: JobID, wait: WaitStatus)]
    ) -> (new: [(job: JobID, wait: WaitStatus)], over: [Key]) {
        var now: [Key: Bool] = [:]
        var new: [(job: JobID, wait: WaitStatus)] = []
        for (job, wait) in waits {
            let key = Key(job: job, kind: wait.kind, stage: wait.stage, centre: wait.centre)
            if known[key] == false { new.append((job, wait)) }
            now[key] = known[key] != nil
        }
        let over = known.filter { $0.value && now[$0.key] == nil }.map(\.key).sorted { ($0.job, $0.stage) < ($1.job, $1.stage) }
        known = now
        return (new, over)
    }

    /// Compares the database's clock with this host's steady one.
    /// - Returns: by how many seconds it went back since the last look, where that is more than a correction.
    package mutating func clock(_ database: Double, now: ContinuousClock.Instant) -> Double? {
        defer { lastClock = (database, now) }
        guard let last = lastClock else { return nil }
        let back = (now - last.steady).inSeconds - (database - last.database)
        return back > Self.correction ? back : nil
    }

    /// Whether the clock was never looked at in this term: what it left behind before must be looked for once.
    package var isFirstClock: Bool { lastClock == nil }

    private static let correction = 5.0
}
