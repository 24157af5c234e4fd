import Digest
import PostgreSQL

/// Contents that nobody needs any more, out of the database.
extension Ledger {
    /// Removes blobs that nothing names, and uploads that were never sealed, when they are older than `age`: young
    /// ones may be about to be named. Page by page, each in a transaction of its own.
    ///
    /// - Returns: how many blobs were removed.
    @discardableResult
    public func sweepOrphanBlobs(olderThan age: Duration) throws -> Int {
        try sweep { page in try lead { connection, _ in try page.remove(connection, age) } }.contents
    }

    /// The same without leadership: for whoever may reach the database.
    func sweepOrphans(olderThan age: Duration) throws -> RemovedContents {
        try sweep { page in try write { connection in try page.remove(connection, age) } }
    }

    private func sweep(_ remove: (SweepPage) throws -> (SweepPage?, RemovedContents)) throws -> RemovedContents {
        var removed = RemovedContents()
        var page: SweepPage? = SweepPage(after: [])
        while let current = page {
            let (next, more) = try remove(current)
            removed.contents += more.contents
            removed.bytes += more.bytes
            page = next
        }
        return removed
    }

    /// Removes those of the blobs that nothing names. What was sent again a moment ago stays: somebody may be about to
    /// name it.
    ///
    /// - Returns: how many were removed.
    @discardableResult
    public func removeContents(_ digests: [SHA256Digest]) throws -> Int {
        var removed = 0
        for start in stride(from: 0, to: digests.count, by: 200) {
            let slice = digests[start..<min(start + 200, digests.count)].map(\.bytes)
            removed += try lead { connection, _ in
                let rows = try connection.execute(
                    """
                    WITH gone AS (
                        DELETE FROM blob WHERE digest = ANY ($1) AND created_at < now() - interval '5 seconds'
                            AND NOT blob_is_named(digest) RETURNING digest
                    ), chunks AS (DELETE FROM blob_chunk USING gone WHERE blob_chunk.digest = gone.digest)
                    SELECT count(*) FROM gone
                    """, [.byteas(slice)])
                return Int(try rows.first?.int64(0) ?? 0)
            }
        }
        return removed
    }

    /// Lets go of what a stage that has come to its end needs no more: what its shards read and made besides its rows and
    /// masks, and the parameters of all rounds but the last. Quarantined shards keep what they would read.
    ///
    /// - Returns: how many contents were removed.
    @discardableResult
    public func releaseContents(ofStage stage: String, job: JobID) throws -> Int {
        let parameters: [Parameter] = [.int8(job.rawValue), .text(stage)]
        var released: Set<SHA256Digest> = []
        while true {
            // Bounded transactions: a stage may have a million shards.
            let named = try lead { connection, _ in
                try connection.execute(
                    """
                    WITH done AS (
                        SELECT b.shard, b.role, b.ordinal FROM shard s JOIN shard_blob b ON b.shard = s.id
                        WHERE s.job = $1 AND s.stage = $2 AND s.state = 'done' LIMIT 10000
                    )
                    DELETE FROM shard_blob b USING done
                    WHERE b.shard = done.shard AND b.role = done.role AND b.ordinal = done.ordinal RETURNING digest
                    """, parameters
                ).map { SHA256Digest(bytes: try $0.bytes(0)) }
            }
            guard !named.isEmpty else { break }
            released.formUnion(named.compactMap { $0 })
        }
        let rounds = try lead { connection, _ in
            try connection.execute(
                """
                UPDATE round r SET pruned = round < last FROM (
                    SELECT max(round) AS last FROM round WHERE job = $1 AND stage = $2 AND finished_at IS NOT NULL) AS l
                WHERE job = $1 AND stage = $2 AND NOT pruned AND round <= last RETURNING base, result, state
                """, parameters
            ).flatMap { row in try (0..<3).compactMap { SHA256Digest(bytes: try row.optionalBytes($0) ?? []) } }
        }
        return try removeContents(Array(released.union(rounds)))
    }
}

/// What a sweep took away.
struct RemovedContents: Sendable {
    var contents = 0
    var bytes: Int64 = 0
}

/// A stretch of the blobs in the order of their digests.
private struct SweepPage: Sendable {
    var after: [UInt8]

    /// Removes its orphans; returns the next page, nil after the last.
    func remove(_ connection: Connection, _ age: Duration) throws -> (SweepPage?, RemovedContents) {
        let rows = try connection.execute(
            // Whoever names a blob now waits for this transaction or makes it wait: foreign keys lock the row.
            """
            WITH page AS MATERIALIZED (
                SELECT digest FROM blob WHERE digest > $2 ORDER BY digest LIMIT 1000
            ), gone AS (
                DELETE FROM blob b USING page WHERE b.digest = page.digest
                    AND b.created_at <= now() - make_interval(secs => $1) AND NOT blob_is_named(b.digest)
                RETURNING b.digest, b.size
            ), chunks AS (DELETE FROM blob_chunk c USING gone WHERE c.digest = gone.digest)
            SELECT (SELECT count(*) FROM gone), (SELECT coalesce(sum(size), 0)::int8 FROM gone),
                (SELECT digest FROM page ORDER BY digest DESC LIMIT 1)
            """, [.float8(age.inSeconds), .bytea(after)])
        guard let row = rows.first else { return (nil, RemovedContents()) }
        let removed = RemovedContents(contents: Int(try row.int64(0)), bytes: try row.int64(1))
        if let last = try row.optionalBytes(2) { return (SweepPage(after: last), removed) }
        try connection.execute(
            """
            DELETE FROM blob_chunk c WHERE created_at <= now() - make_interval(secs => $1)
                AND NOT EXISTS (SELECT 1 FROM blob b WHERE b.digest = c.digest)
            """, [.float8(age.inSeconds)])
        return (nil, removed)
    }
}
