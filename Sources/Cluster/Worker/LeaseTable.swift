import Foundation
import Wire

/// The shards that a worker has in hand, one attempt each, with running totals. A value without I/O.
package struct LeaseTable {
    package enum Phase: Equatable {
        /// Waiting for a slot, or in one.
        case assigned
        case finished(ShardResult, heldBytes: Int)
        case failed(ShardFailure)
        /// To be given back.
        case returning
    }

    package struct Entry {
        package let lease: ShardLease
        package fileprivate(set) var phase: Phase
        package fileprivate(set) var deadline: Instant
    }

    private var entries: [Int64: Entry] = [:]
    package private(set) var assigned = 0
    /// Bytes of results that wait for their acknowledgement.
    package private(set) var heldBytes = 0
    /// Concluded, and not yet told to the coordinator of this session.
    private var unsent: [ShardLease] = []

    package var count: Int { entries.count }
    package var isEmpty: Bool { entries.isEmpty }
    package var unacknowledged: Int { entries.count - assigned }
    package var leases: [ShardLease] { entries.values.map(\.lease).sorted() }
    package var assignedLeases: [ShardLease] { entries.values.filter { $0.phase == .assigned }.map(\.lease).sorted() }

    package subscript(lease: ShardLease) -> Entry? {
        entries[lease.shard].flatMap { $0.lease == lease ? $0 : nil }
    }

    /// The attempt at the same shard that is in hand, whatever its number.
    func attempt(atShardOf lease: ShardLease) -> ShardLease? { entries[lease.shard]?.lease }

    mutating func insert(_ lease: ShardLease, _ phase: Phase, deadline: Instant) {
        remove(entries[lease.shard]?.lease ?? lease)
        entries[lease.shard] = Entry(lease: lease, phase: phase, deadline: deadline)
        count(phase, 1)
        if phase != .assigned { unsent.append(lease) }
    }

    /// Ends the work on an assigned shard; false when it is not (any longer) in hand as assigned.
    mutating func conclude(_ lease: ShardLease, as phase: Phase) -> Bool {
        guard let entry = self[lease], entry.phase == .assigned else { return false }
        count(entry.phase, -1)
        count(phase, 1)
        entries[lease.shard]?.phase = phase
        unsent.append(lease)
        return true
    }

    @discardableResult
    mutating func remove(_ lease: ShardLease) -> Entry? {
        guard let entry = self[lease] else { return nil }
        entries[lease.shard] = nil
        count(entry.phase, -1)
        return entry
    }

    mutating func extend(_ lease: ShardLease, to deadline: Instant) {
        if self[lease] != nil { entries[lease.shard]?.deadline = deadline }
    }

    /// A new session: all leases were renewed, and everything concluded must be told again.
    mutating func renewAll(to deadline: Instant) {
        unsent = []
        for (shard, entry) in entries {
            entries[shard]?.deadline = deadline
            if entry.phase != .assigned { unsent.append(entry.lease) }
        }
        unsent.sort()
    }

    /// Assigned shards whose lease was not renewed by `time`.
    func overdue(at time: Instant) -> [ShardLease] {
        entries.values.filter { $0.phase == .assigned && $0.deadline <= time }.map(\.lease).sorted()
    }

    /// What must be told, once each; removed entries are skipped.
    mutating func takeUnsent() -> [(ShardLease, Phase)] {
        guard !unsent.isEmpty else { return [] }
        defer { unsent.removeAll(keepingCapacity: true) }
        return unsent.compactMap { lease in self[lease].map { (lease, $0.phase) } }
    }

    private mutating func count(_ phase: Phase, _ sign: Int) {
        switch phase {
        case .assigned: assigned += sign
        case .finished(let result, let bytes):
            heldBytes += sign * (bytes + result.rows.count + result.record.count)
        case .failed, .returning: break
        }
    }
}
