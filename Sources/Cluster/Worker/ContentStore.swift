import Digest
import Foundation
import Stages

/// Contents that shards ask for: fetched once, whoever asks, verified, and kept within a budget of bytes. One that is
/// larger than the budget is let go as soon as those who wait for it have it: networks of gigabytes are decoded once.
package final class ContentStore: @unchecked Sendable {
    // @unchecked: everything mutable is only touched while `condition` is locked.
    private let condition = NSCondition()
    private var cache: ByteBudgetCache<SHA256Digest, Data>
    private var wanted: Set<SHA256Digest> = []
    /// Delivered, and not verified yet.
    private var arrived: [SHA256Digest: Data] = [:]
    private var failures: [SHA256Digest: String] = [:]
    private var waiters: [SHA256Digest: Int] = [:]
    private let requestFetch: @Sendable (SHA256Digest) -> Void

    /// - Parameter requestFetch: called once for a content that has to be fetched, from the asking thread.
    package init(budget: Int, requestFetch: @escaping @Sendable (SHA256Digest) -> Void) {
        cache = ByteBudgetCache(budget: budget)
        self.requestFetch = requestFetch
    }

    /// The content; waits while it is being fetched.
    /// - Throws: `ClusterError.missingContent`, or what `checkCancellation` throws meanwhile.
    package func content(_ digest: SHA256Digest, checkCancellation: () throws -> Void) throws -> Data {
        condition.lock()
        defer { condition.unlock() }
        if let data = cache.value(digest) { return data }
        if wanted.insert(digest).inserted {
            failures[digest] = nil
            requestFetch(digest)
        }
        waiters[digest, default: 0] += 1
        defer {
            let left = (waiters[digest] ?? 1) - 1
            waiters[digest] = left > 0 ? left : nil
            if left <= 0 { forget(digest) }
        }
        while true {
            if let data = cache.value(digest) { return data }
            if let data = arrived.removeValue(forKey: digest) {
                verify(data, digest)
                continue
            }
            if let reason = failures[digest] {
                throw ClusterError(.missingContent, "content \(digest) could not be fetched: \(reason)")
            }
            _ = condition.wait(until: Date(timeIntervalSinceNow: 0.2))
            condition.unlock()
            // The lock is held again when this returns or throws.
            defer { condition.lock() }
            try checkCancellation()
        }
    }

    /// Nobody waits for the content any more. Called with the lock held.
    private func forget(_ digest: SHA256Digest) {
        failures[digest] = nil
        if arrived.removeValue(forKey: digest) != nil { wanted.remove(digest) }
        if let data = cache.value(digest), data.count > cache.budget { cache.remove(digest) }
    }

    /// Hashes without the lock, which is held before and after.
    private func verify(_ data: Data, _ digest: SHA256Digest) {
        condition.unlock()
        let isGenuine = SHA256Digest(hashing: data) == digest
        condition.lock()
        wanted.remove(digest)
        if isGenuine {
            cache.insert(data, size: data.count, for: digest)
        } else {
            failures[digest] = "its bytes have another digest"
        }
        condition.broadcast()
    }

    /// The loop has all bytes. Who waits for them verifies them: the loop would be silent for seconds, and the worker
    /// taken for lost, while it hashes gigabytes.
    package func deliver(_ data: Data, for digest: SHA256Digest) {
        condition.lock()
        if waiters[digest] == nil { wanted.remove(digest) } else { arrived[digest] = data }
        condition.broadcast()
        condition.unlock()
    }

    /// The loop could not get it.
    package func fail(_ digest: SHA256Digest, reason: String) {
        condition.lock()
        wanted.remove(digest)
        failures[digest] = reason
        condition.broadcast()
        condition.unlock()
    }
}
