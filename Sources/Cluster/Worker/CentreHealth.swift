import Foundation

/// Which of a worker's centres cannot be worked on now, and since when. A value without I/O; `CentreWatch` looks.
package struct CentreHealth {
    package struct Key: Hashable, Sendable {
        package var centre: String
        /// Nil: whatever the job.
        package var job: Int64?

        package init(centre: String, job: Int64? = nil) {
            self.centre = centre
            self.job = job
        }
    }

    package struct Trouble: Hashable, Sendable {
        package var reason: String
        package var since: ContinuousClock.Instant
    }

    /// What is worth a line in the log.
    package enum Change: Equatable {
        case away(reason: String)
        case back(after: Duration)
    }

    package private(set) var troubles: [Key: Trouble] = [:]
    /// When trouble was seen last.
    private var lastSeen: [Key: ContinuousClock.Instant] = [:]
    /// Grows with every change.
    package private(set) var version: UInt64 = 0

    package init() {}

    /// What a look has found: why not, or nil when all is well.
    package mutating func found(_ key: Key, _ reason: String?, now: ContinuousClock.Instant) -> Change? {
        guard let reason else {
            guard let old = troubles.removeValue(forKey: key) else { return nil }
            lastSeen[key] = now
            version += 1
            return .back(after: now - old.since)
        }
        lastSeen[key] = now
        guard let old = troubles[key] else {
            troubles[key] = Trouble(reason: reason, since: now)
            version += 1
            return .away(reason: reason)
        }
        guard old.reason != reason else { return nil }
        troubles[key]?.reason = reason
        version += 1
        return .away(reason: reason)
    }

    /// Whether the centre was seen in trouble, for this job or for all, at or after `time`.
    package func wasInTrouble(_ centre: String, job: Int64, since time: ContinuousClock.Instant) -> Bool {
        [Key(centre: centre), Key(centre: centre, job: job)].contains { key in
            troubles[key] != nil || lastSeen[key].map { $0 >= time } ?? false
        }
    }
}
