import Foundation
import PostgreSQL

extension Ledger {
    /// How everything fares, from counters: its cost does not grow with the number of shards. Has the reading
    /// connection's snapshot of one moment.
    ///
    /// - Parameter job: one job; nil for all that run, and the last that ended.
    public func status(job: JobID? = nil) throws -> StatusSnapshot {
        try read { connection in
            try connection.transaction {
                // Begun here, so that all that follows sees the same moment.
                try connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
                let time = try connection.execute("SELECT extract(epoch FROM now())::float8").first?.double(0) ?? 0
                let jobs = try connection.execute(
                    """
                    SELECT id, archive, state, message, extract(epoch FROM created_at)::float8,
                        extract(epoch FROM finished_at)::float8
                    FROM job WHERE id = $1 OR $1 IS NULL AND (state = 'running'
                        OR id = (SELECT id FROM job WHERE state <> 'running' ORDER BY finished_at DESC NULLS LAST LIMIT 1))
                    ORDER BY id
                    """, [.int8(job?.rawValue)]
                ).map { try Self.jobStatus($0, at: time, connection) }
                let leader = try connection.execute(
                    "SELECT holder, epoch, expires_at >= now() FROM leader WHERE name = 'coordinator' AND epoch > 0"
                ).first.map {
                    LeaderStatus(holder: try $0.text(0), epoch: try $0.int64(1), isCurrent: try $0.bool(2))
                }
                let notices = try connection.execute(
                    "SELECT kind, message, extract(epoch FROM since)::float8 FROM notice WHERE since > now() - interval '1 day' ORDER BY kind"
                ).map { Notice(kind: try $0.text(0), message: try $0.text(1), since: try $0.double(2)) }
                return StatusSnapshot(
                    time: time, jobs: jobs, workers: try Self.workers(connection), leader: leader, notices: notices)
            }
        }
    }

    /// How many shards of a stage are in which state: of one round, or of all.
    public func counts(job: JobID, stage: String, round: Int32? = nil) throws -> ShardCounts {
        try read { connection in
            try connection.execute(
                """
                SELECT coalesce(sum(queued), 0)::bigint, coalesce(sum(leased), 0)::bigint, coalesce(sum(done), 0)::bigint,
                    coalesce(sum(quarantined), 0)::bigint, coalesce(sum(cancelled), 0)::bigint,
                    coalesce(sum(task_errors), 0)::bigint, coalesce(sum(losses), 0)::bigint
                FROM stage_progress WHERE job = $1 AND stage = $2 AND ($3 IS NULL OR round = $3)
                """, [.int8(job.rawValue), .text(stage), .int4(round)]
            ).first.map { try Self.counts($0, from: 0) } ?? ShardCounts()
        }
    }

    private static func counts(_ row: Row, from column: Int) throws -> ShardCounts {
        var counts = ShardCounts()
        counts.queued = try row.int64(column)
        counts.leased = try row.int64(column + 1)
        counts.done = try row.int64(column + 2)
        counts.quarantined = try row.int64(column + 3)
        counts.cancelled = try row.int64(column + 4)
        counts.taskErrors = try row.int64(column + 5)
        counts.losses = try row.int64(column + 6)
        return counts
    }

    private static func jobStatus(_ row: Row, at time: Double, _ connection: Connection) throws -> JobStatus {
        let id = JobID(try row.int64(0))
        var centres = [String: [CentreStatus]]()
        for row in try connection.execute(
            """
            SELECT stage, centre, sum(queued)::bigint, sum(leased)::bigint, sum(done)::bigint, sum(quarantined)::bigint,
                sum(cancelled)::bigint, sum(task_errors)::bigint, sum(losses)::bigint
            FROM stage_progress WHERE job = $1 GROUP BY stage, centre ORDER BY stage, centre
            """, [.int8(id.rawValue)])
        {
            centres[try row.text(0), default: []].append(
                CentreStatus(centre: try row.text(1), counts: try counts(row, from: 2)))
        }
        let rounds = try rounds(of: id, connection)
        let stages = try stages(of: id, connection).map { stage in
            stageStatus(
                stage, centres: centres[stage.name] ?? [], begun: Int32(rounds.count { $0.stage == stage.name }),
                rate: stage.state == .running ? try throughput(of: stage, job: id, at: time, connection) : nil)
        }
        let errors = try connection.execute(
            """
            SELECT stage, code, count, last_message, extract(epoch FROM last_at)::float8 FROM stage_error
            WHERE job = $1 ORDER BY last_at DESC LIMIT 50
            """, [.int8(id.rawValue)]
        ).map { row in
            ErrorStatus(
                stage: try row.text(0), code: try row.text(1), count: try row.int64(2), lastMessage: try row.text(3),
                lastAt: try row.double(4))
        }
        return JobStatus(
            id: id, archive: try row.text(1), state: Job.State(rawValue: try row.text(2)) ?? .failed,
            message: try row.text(3), createdAt: try row.double(4), finishedAt: try row.optionalDouble(5),
            stages: stages, rounds: rounds, errors: errors,
            waits: try row.text(2) == Job.State.running.rawValue ? waits(of: id, connection) : [],
            quarantined: try quarantined(id, stage: nil, connection))
    }

    private static func stageStatus(
        _ stage: JobStage, centres: [CentreStatus], begun: Int32, rate: Throughput?
    ) -> StageStatus {
        var total = ShardCounts()
        for centre in centres { total += centre.counts }
        let toCome = begun > 0 ? Double(total.total) / Double(begun) * Double(max(0, stage.rounds - begun)) : 0
        return StageStatus(
            name: stage.name, state: stage.state, message: stage.message, startedAt: stage.startedAt,
            finishedAt: stage.finishedAt, counts: total, centres: centres, shardsPerSecond: rate?.shardsPerSecond,
            itemsPerSecond: rate?.itemsPerSecond, roundsBegun: begun,
            rounds: stage.rounds, secondsLeft: rate.map { (Double(total.open) + toCome) / $0.shardsPerSecond })
    }

    private static func throughput(
        of stage: JobStage, job: JobID, at time: Double, _ connection: Connection
    ) throws -> Throughput? {
        let buckets = try connection.execute(
            """
            SELECT (bucket * 10)::float8, shards::float8, items::float8 FROM throughput WHERE job = $1 AND stage = $2
            ORDER BY bucket DESC LIMIT 11
            """, [.int8(job.rawValue), .text(stage.name)]
        ).map { Throughput.Bucket(start: try $0.double(0), shards: try $0.double(1), items: try $0.double(2)) }
        return Throughput(buckets: buckets, stageStart: stage.startedAt, now: time)
    }
}

extension ShardCounts {
    static func += (left: inout Self, right: Self) {
        left.queued += right.queued
        left.leased += right.leased
        left.done += right.done
        left.quarantined += right.quarantined
        left.cancelled += right.cancelled
        left.taskErrors += right.taskErrors
        left.losses += right.losses
    }
}
