import Digest
import Foundation

/// Contents that shards ask for: fetched once, whoever asks, verified, and kept within a budget of bytes.
package final class ContentStore: @unchecked Sendable {
    // @unchecked: everything mutable is only touched while `condition` is locked.
    private let condition = NSCondition()
    private var cache: ByteBudgetCache<SHA256Digest, Data>
    private var wanted: Set<SHA256Digest> = []
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
            if left <= 0 { failures[digest] = nil }
        }
        while true {
            if let data = cache.value(digest) { return data }
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

    /// The loop has all bytes.
    package func deliver(_ data: Data, for digest: SHA256Digest) {
        let isGenuine = SHA256Digest(hashing: data) == digest
        condition.lock()
        wanted.remove(digest)
        if isGenuine {
            cache.insert(data, size: data.count, for: digest)
        } else {
            failures[digest] = "its bytes have another digest"
        }
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
