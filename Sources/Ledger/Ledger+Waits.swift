import Foundation
import PostgreSQL

/// What stands, and what a clock that went back has left behind.
extension Ledger {
    /// What the queued shards of running jobs wait for that does not come by itself.
    public func waits() throws -> [(job: JobID, wait: WaitStatus)] {
        try read { connection in
            try connection.execute("SELECT id FROM job WHERE state = 'running' ORDER BY id").flatMap { row in
                let job = JobID(try row.int64(0))
                return try Self.waits(of: job, connection).map { (job, $0) }
            }
        }
    }

    /// From counters, as long as all goes well: shards are only looked at where nobody can take them.
    static func waits(of job: JobID, _ connection: Connection) throws -> [WaitStatus] {
        let queued = try connection.execute(
            """
            SELECT p.stage, p.centre, j.numeric_setup, extract(epoch FROM coalesce(s.started_at, j.created_at))::float8
            FROM stage_progress p JOIN job j ON j.id = p.job JOIN stage s ON s.job = p.job AND s.name = p.stage
            WHERE p.job = $1 GROUP BY p.stage, p.centre, j.numeric_setup, 4 HAVING sum(p.queued) > 0 ORDER BY p.stage, p.centre
            """, [.int8(job.rawValue)]
        ).map { row in
            WaitFinder.Open(
                stage: try row.text(0), centre: try row.text(1), since: try row.double(3), setup: try row.optionalText(2))
        }
        guard !queued.isEmpty else { return [] }
        let workers = try connection.execute(
            """
            SELECT name, state = 'active', centres, setup, troubles, extract(epoch FROM seen_at)::float8
            FROM worker JOIN worker_heartbeat h ON h.worker = name ORDER BY name
            """
        ).map { row in
            WaitFinder.Worker(
                name: try row.text(0), isActive: try row.bool(1), centres: try row.texts(2), setup: try row.text(3),
                troubles: try JSONDecoder().decode([WorkerTrouble].self, from: row.data(4)), seenAt: try row.double(5))
        }
        let finder = WaitFinder(job: job.rawValue, workers: workers)
        let suspected = finder.waits(for: queued)
        guard !suspected.isEmpty else { return [] }
        // The exact truth about those few: since when, and whether they need the setup at all.
        let exact = try queued.filter { open in
            suspected.contains { $0.kind == "workers" || $0.stage == open.stage && $0.centre ?? open.centre == open.centre }
        }.flatMap { open in
            try connection.execute(
                """
                SELECT needs_uniform_setup, extract(epoch FROM min(available_at))::float8 FROM shard
                WHERE state = 'queued' AND centre = $3 AND job = $1 AND stage = $2 GROUP BY needs_uniform_setup ORDER BY 1
                """, [.int8(job.rawValue), .text(open.stage), .text(open.centre)]
            ).map { row in
                WaitFinder.Open(
                    stage: open.stage, centre: open.centre, since: try row.double(1),
                    setup: try row.bool(0) ? open.setup : nil)
            }
        }
        var seen = Set<String>()
        return finder.waits(for: exact).filter { seen.insert("\($0.kind) \($0.stage) \($0.centre ?? "")").inserted }
    }

    /// How many shards are queued that a worker with these centres may be given, by the counters.
    public func queued(centres: [String], only stage: StageOfJob? = nil) throws -> Int {
        try read { connection in
            let row = try connection.execute(
                """
                SELECT coalesce(sum(queued), 0)::bigint FROM stage_progress
                WHERE job IN (SELECT id FROM job WHERE state = 'running') AND queued > 0
                    AND (centre = '' OR centre = ANY($1)) AND ($2::bigint IS NULL OR job = $2 AND stage = $3)
                """, [.texts(centres), .int8(stage?.job.rawValue), .text(stage?.stage)]
            ).first
            return Int(clamping: try row?.int64(0) ?? 0)
        }
    }

    /// Leases that last far longer than shards of their kind take: longer than `floor` and than `factor` times what 95 of
    /// 100 took. Where none has come through yet nothing is known, and none is overdue.
    public func overdueLeases(floor: Duration, factor: Double) throws -> [OverdueLease] {
        try read { connection in
            try connection.execute(
                // Replicas and validation shards of one stage take differently long: their need of a setup tells them apart.
                """
                WITH long AS (
                    SELECT id, attempt, worker, boot, job, stage, key, needs_uniform_setup AS uniform,
                        extract(epoch FROM now() - leased_at)::float8 AS seconds
                    FROM shard WHERE state = 'leased' AND leased_at < now() - make_interval(secs => $1)
                ), usual AS (
                    SELECT k.*, (
                        SELECT percentile_disc(0.95) WITHIN GROUP (ORDER BY took) FROM (
                            SELECT extract(epoch FROM r.committed_at - r.leased_at)::float8 AS took
                            FROM shard d JOIN shard_result r ON r.shard = d.id
                            WHERE d.job = k.job AND d.stage = k.stage AND d.state = 'done'
                                AND d.needs_uniform_setup = k.uniform LIMIT 1000
                        ) AS done) AS took
                    FROM (SELECT DISTINCT job, stage, uniform FROM long) AS k
                )
                SELECT id, attempt, worker, boot, stage, key, seconds, greatest($1, $2 * took) FROM long
                JOIN usual USING (job, stage, uniform) WHERE seconds > greatest($1, $2 * took) AND took IS NOT NULL ORDER BY id
                """, [.float8(floor.inSeconds), .float8(factor)]
            ).map { row in
                OverdueLease(
                    lease: LeaseKey(shard: ShardID(try row.int64(0)), fence: try row.int32(1)),
                    worker: WorkerIncarnation(name: try row.text(2), boot: try row.text(3)), stage: try row.text(4),
                    key: try row.text(5), seconds: try row.double(6), limit: try row.double(7))
            }
        }
    }

    // MARK: Clock

    /// The database's clock, in seconds since 1970.
    public func clock() throws -> Double {
        try read { try $0.execute("SELECT extract(epoch FROM clock_timestamp())::float8").first?.double(0) ?? 0 }
    }

    /// Takes back what lies further in the future than anything is ever put: a clock that went back left it there, and
    /// shards, leases and the grace would wait until it has caught up.
    ///
    /// - Returns: how many shards were concerned.
    public func mendFuture(longestBackoff: Double, leaseDuration: Duration, grace: Duration) throws -> Int {
        try lead { connection, _ in
            let queued = try connection.execute(
                """
                UPDATE shard SET available_at = now()
                WHERE state = 'queued' AND available_at > now() + make_interval(secs => $1)
                """, [.float8(longestBackoff * 1.25 + 1)]
            ).affected
            let leased = try connection.execute(
                """
                UPDATE shard SET lease_until = now() + make_interval(secs => $1)
                WHERE state = 'leased' AND lease_until > now() + make_interval(secs => 2 * $1)
                """, [.float8(leaseDuration.inSeconds)]
            ).affected
            try connection.execute(
                "UPDATE leader SET grace_until = now() WHERE grace_until > now() + make_interval(secs => $1)",
                [.float8(grace.inSeconds)])
            try connection.execute("UPDATE worker_heartbeat SET seen_at = now() WHERE seen_at > now()")
            return queued + leased
        }
    }

    /// Something about the cluster as a whole, for status; it is shown for a day. A kind has one notice, the latest.
    public func setNotice(kind: String, message: String) throws {
        try lead { connection, term in
            try connection.execute(
                """
                INSERT INTO notice (kind, message) VALUES ($1, $2)
                ON CONFLICT (kind) DO UPDATE SET message = excluded.message, since = now()
                """, [.text(kind), .text(message)])
            try Self.insertEvent(
                connection, job: nil, epoch: term.epoch, actor: term.holder, kind: kind, message: message)
        }
    }
}

/// A lease that lasts far longer than its like.
public struct OverdueLease: Sendable {
    public var lease: LeaseKey
    public var worker: WorkerIncarnation
    public var stage: String
    public var key: String
    /// For how long it has been held, and how long it may be.
    public var seconds: Double
    public var limit: Double
}
