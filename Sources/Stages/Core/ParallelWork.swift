import Dispatch
import Synchronization

/// Independent pieces of work on some threads of this process, each piece taken by whoever is free.
enum ParallelWork {
    /// The results of `body(0)` to `body(count - 1)`, in this order. With one thread the caller's own does all of it.
    /// - Parameter body: is called from any of the threads, several at a time.
    static func map<Value: Sendable>(
        count: Int, threads: Int, _ body: @escaping @Sendable (Int) -> Value
    ) -> [Value] {
        let results = Mutex<[Int: Value]>([:])
        let next = Atomic(0)
        DispatchQueue.concurrentPerform(iterations: max(1, min(threads, count))) { _ in
            while true {
                let place = next.add(1, ordering: .relaxed).oldValue
                guard place < count else { return }
                let value = body(place)
                results.withLock { $0[place] = value }
            }
        }
        return results.withLock { results in (0..<count).compactMap { results[$0] } }
    }
}
