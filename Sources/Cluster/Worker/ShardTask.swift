import Stages
import Synchronization
import Wire

/// A shard between the socket loop and a slot: who may begin it, whether it must stop, how far it is.
final class ShardTask: Sendable {
    let shard: AssignedShard
    /// 0 waiting, 1 running, 2 withdrawn: only one of the two threads leaves 0.
    private let state = Atomic<UInt8>(0)
    private let cancelled = Atomic<Bool>(false)
    private let done = Atomic<UInt32>(0)
    private let total = Atomic<UInt32>(0)

    init(_ shard: AssignedShard) { self.shard = shard }

    /// For the slot: true when it may begin.
    func begin() -> Bool {
        state.compareExchange(expected: 0, desired: 1, ordering: .acquiringAndReleasing).exchanged
    }

    /// For the loop: true when no slot has begun it, and none will.
    func withdraw() -> Bool {
        state.compareExchange(expected: 0, desired: 2, ordering: .acquiringAndReleasing).exchanged
    }

    func cancel() { cancelled.store(true, ordering: .releasing) }
    var isCancelled: Bool { cancelled.load(ordering: .acquiring) }
    var isRunning: Bool { state.load(ordering: .acquiring) == 1 }

    func report(done newDone: Int, of newTotal: Int) {
        done.store(UInt32(clamping: newDone), ordering: .relaxed)
        total.store(UInt32(clamping: newTotal), ordering: .relaxed)
    }

    var progress: Heartbeat.Progress {
        Heartbeat.Progress(
            lease: shard.lease, done: done.load(ordering: .relaxed), total: total.load(ordering: .relaxed),
            isRunning: isRunning)
    }
}
