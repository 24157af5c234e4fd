/// How fast a stage goes: shards and items done a second.
///
/// Taken over the last minute or the last ten shards, whichever is longer. With shards that take minutes, a minute sees one or
/// none, and the time left would swing between seconds and hours.
package struct Throughput {
    /// Seconds of the past that are looked at, at least.
    private static let window: Double = 60
    /// Shards that are looked at, at least, as far as there are so many.
    private static let shards: Double = 10
    /// Seconds of a bucket, as the ledger counts them.
    private static let bucketSeconds: Double = 10

    package var shardsPerSecond: Double
    package var itemsPerSecond: Double

    /// What was done within `bucketSeconds` from `start`, in seconds since 1970.
    package struct Bucket {
        package var start: Double
        package var shards: Double
        package var items: Double

        package init(start: Double, shards: Double, items: Double) {
            (self.start, self.shards, self.items) = (start, shards, items)
        }
    }

    /// - Parameters:
    ///   - buckets: those in which something was done, the newest first; eleven are enough.
    ///   - stageStart: when the stage began, if it is known.
    /// - Returns: nil when nothing was done.
    package init?(buckets: [Bucket], stageStart: Double?, now: Double) {
        guard let newest = buckets.first else { return nil }
        let windowStart = now - Self.window
        var shards = 0.0, items = 0.0, oldest = newest
        // The oldest shards that count were worked on before their bucket began: since the bucket before, or the stage's start.
        var begin = stageStart
        for bucket in buckets {
            if bucket.start < windowStart, shards >= Self.shards {
                let end = bucket.start + Self.bucketSeconds
                // A minute that saw enough stands for itself: before it may lie a pause.
                begin = oldest.start < windowStart ? end : max(end, windowStart)
                break
            }
            shards += bucket.shards
            items += bucket.items
            oldest = bucket
        }
        let seconds = max(now - (begin ?? oldest.start), 1)
        shardsPerSecond = shards / seconds
        itemsPerSecond = items / seconds
    }
}
