import Foundation
import PostgreSQL

/// Shards that were set aside: which, why, and another chance for them.
extension Ledger {
    /// Shards that were set aside, with what went wrong last; a thousand at most.
    public func quarantined(job: JobID, stage: String? = nil) throws -> [QuarantinedShard] {
        try read { connection in try Self.quarantined(job, stage: stage, connection) }
    }

    static func quarantined(_ job: JobID, stage: String?, _ connection: Connection) throws -> [QuarantinedShard] {
        try connection.execute(
            """
            SELECT s.id, s.stage, s.round, s.key, s.centre, coalesce(a.code, ''), coalesce(a.error, ''),
                coalesce(a.worker, '')
            FROM shard s LEFT JOIN attempt a ON a.shard = s.id AND a.attempt = s.attempt
            WHERE s.job = $1 AND s.state = 'quarantined' AND ($2 IS NULL OR s.stage = $2) ORDER BY s.id LIMIT 1000
            """, [.int8(job.rawValue), .text(stage)]
        ).map { row in
            QuarantinedShard(
                shard: ShardID(try row.int64(0)), stage: try row.text(1), round: try row.int32(2),
                key: try row.text(3), centre: try row.text(4), code: try row.text(5), error: try row.text(6),
                worker: try row.text(7))
        }
    }

    /// What shards were given to do, JSON.
    public func inputs(of shards: [ShardID]) throws -> [ShardID: Data] {
        try read { connection in
            let rows = try connection.execute(
                "SELECT shard, input FROM shard_input WHERE shard = ANY($1)", [.int8s(shards.map(\.rawValue))])
            return Dictionary(uniqueKeysWithValues: try rows.map { (ShardID(try $0.int64(0)), try $0.data(1)) })
        }
    }

    /// Gives shards that were set aside another chance, with their counts of failures at zero. A job that failed is taken
    /// up again where it stopped. Shards of rounds that are folded stay as they are: nothing would read their results.
    /// Needs no leadership.
    ///
    /// - Returns: how many were queued again; with none, nothing was changed.
    public func requeueQuarantined(job: JobID, stage: String? = nil) throws -> Int {
        let (holder, epoch) = (term?.holder ?? "operator", term?.epoch ?? 0)
        return try write { connection in
            let count = try connection.execute(
                """
                UPDATE shard SET state = 'queued', task_errors = 0, losses = 0, available_at = now()
                FROM job WHERE job.id = shard.job AND job.state IN ('running', 'failed')
                    AND shard.job = $1 AND shard.state = 'quarantined' AND ($2 IS NULL OR shard.stage = $2)
                    AND NOT EXISTS (
                        SELECT 1 FROM round r WHERE r.job = shard.job AND r.stage = shard.stage AND r.round = shard.round
                            AND r.finished_at IS NOT NULL)
                """, [.int8(job.rawValue), .text(stage)]
            ).affected
            guard count > 0 else { return 0 }
            try Self.takeUp(job, connection)
            try Self.insertEvent(
                connection, job: job, epoch: epoch, actor: holder, kind: "shards requeued", message: "\(count) shards")
            return count
        }
    }

    /// A job that failed runs again, with the stages and shards that its failure ended.
    private static func takeUp(_ job: JobID, _ connection: Connection) throws {
        let failed = try connection.execute(
            "SELECT 1 FROM job WHERE id = $1 AND state = 'failed' FOR UPDATE", [.int8(job.rawValue)])
        guard !failed.isEmpty else { return }
        try reopen(job, stages: .running, connection)
        try connection.execute(
            "UPDATE shard SET state = 'queued', available_at = now() WHERE job = $1 AND state = 'cancelled'",
            [.int8(job.rawValue)])
    }
}
