import Foundation
import PostgreSQL

extension Ledger {
    /// Records a new job with its steps, in the order in which they run. Needs no leadership: whoever may reach the
    /// database may submit.
    ///
    /// - Parameters:
    ///   - pipeline: JSON.
    ///   - idempotencyKey: creating again with the same key changes nothing and returns the same job.
    public func createJob(
        pipeline: Data, seed: Int64, archive: String, steps: [NewStep], idempotencyKey: String? = nil
    ) throws -> JobID {
        guard !steps.isEmpty, Set(steps.map(\.name)).count == steps.count else {
            throw LedgerError(.invalid, "a job needs steps, each of a name of its own: \(steps.map(\.name))")
        }
        return try write { connection in
            let rows = try connection.execute(
                """
                INSERT INTO job (pipeline, seed, archive, idempotency_key) VALUES ($1, $2, $3, $4)
                ON CONFLICT (idempotency_key) DO NOTHING RETURNING id
                """,
                [.json(pipeline), .int8(seed), .text(archive), .text(idempotencyKey)])
            if rows.isEmpty {
                let known = try connection.execute("SELECT id FROM job WHERE idempotency_key = $1", [.text(idempotencyKey)])
                if let id = try known.first?.int64(0) { return JobID(id) }
            }
            guard let id = try rows.first?.int64(0) else { throw LedgerError(.database, "no number for a new job") }
            try connection.execute(
                """
                INSERT INTO stage (job, name, kind, rounds, ordinal)
                SELECT $1, name, kind, rounds, ordinal FROM unnest($2, $3, $4) WITH ORDINALITY AS s (name, kind, rounds, ordinal)
                """,
                [
                    .int8(id), .texts(steps.map(\.name)), .texts(steps.map(\.stage)),
                    .int4s(steps.map { Int32(clamping: $0.rounds) }),
                ])
            return JobID(id)
        }
    }

    /// One job with its stages; nil when there is none of that number.
    public func job(_ id: JobID) throws -> Job? {
        try read { connection in
            let rows = try connection.execute(
                """
                SELECT id, pipeline, seed, archive, state, message, numeric_setup,
                    extract(epoch FROM created_at)::float8, extract(epoch FROM finished_at)::float8
                FROM job WHERE id = $1
                """, [.int8(id.rawValue)])
            return try rows.first.map { try Self.job($0, connection) }
        }
    }

    /// Jobs that are running, oldest first.
    public func activeJobs() throws -> [Job] {
        try read { connection in
            try connection.execute(
                """
                SELECT id, pipeline, seed, archive, state, message, numeric_setup,
                    extract(epoch FROM created_at)::float8, extract(epoch FROM finished_at)::float8
                FROM job WHERE state = 'running' ORDER BY id
                """
            ).map { try Self.job($0, connection) }
        }
    }

    /// The latest jobs, newest first.
    public func jobs(limit: Int = 100) throws -> [Job] {
        try read { connection in
            try connection.execute(
                """
                SELECT id, pipeline, seed, archive, state, message, numeric_setup,
                    extract(epoch FROM created_at)::float8, extract(epoch FROM finished_at)::float8
                FROM job ORDER BY id DESC LIMIT $1
                """, [.int8(Int64(limit))]
            ).map { try Self.job($0, connection) }
        }
    }

    /// Ends a running job. Its open shards become `cancelled`: results that are still on their way will be stale.
    /// Needs no leadership.
    ///
    /// - Returns: false when the job had ended already.
    public func cancelJob(_ id: JobID, message: String) throws -> Bool {
        let holder = term?.holder ?? "operator"
        let epoch = term?.epoch ?? 0
        return try write { connection in
            let ended = try connection.execute(
                """
                UPDATE job SET state = 'cancelled', message = $2, finished_at = now()
                WHERE id = $1 AND state = 'running'
                """, [.int8(id.rawValue), .text(message.withoutNul)]
            ).affected
            guard ended == 1 else { return false }
            try Self.cancelOpenShards(connection, job: id, epoch: epoch)
            try connection.execute(
                """
                UPDATE stage SET state = 'cancelled', finished_at = now()
                WHERE job = $1 AND state IN ('pending', 'running')
                """, [.int8(id.rawValue)])
            try Self.insertEvent(connection, job: id, epoch: epoch, actor: holder, kind: "job cancelled", message: message)
            return true
        }
    }

    /// Says how a job fares. A final state stops its open shards; a job that has ended stays as it ended.
    public func setJobState(_ id: JobID, _ state: Job.State, message: String) throws {
        try lead { connection, term in
            let changed = try connection.execute(
                """
                UPDATE job SET state = $2, message = $3, finished_at = CASE WHEN $2 = 'running' THEN NULL ELSE now() END
                WHERE id = $1 AND state = 'running'
                """, [.int8(id.rawValue), .text(state.rawValue), .text(message.withoutNul)]
            ).affected
            guard changed == 1, state.isFinal else { return }
            try Self.cancelOpenShards(connection, job: id, epoch: term.epoch)
            try Self.insertEvent(
                connection, job: id, epoch: term.epoch, actor: term.holder, kind: "job \(state.rawValue)",
                message: message)
        }
    }

    /// Says how a stage of a job fares.
    public func setStageState(_ job: JobID, stage: String, _ state: JobStage.State, message: String) throws {
        try lead { connection, term in
            let changed = try connection.execute(
                """
                UPDATE stage SET state = $3, message = $4, started_at = coalesce(started_at, CASE WHEN $3 <> 'pending' THEN now() END),
                    finished_at = CASE WHEN $3 IN ('pending', 'running') THEN NULL ELSE coalesce(finished_at, now()) END
                WHERE job = $1 AND name = $2
                """, [.int8(job.rawValue), .text(stage), .text(state.rawValue), .text(message.withoutNul)]
            ).affected
            guard changed == 1 else { throw LedgerError(.unknownJob, "job \(job) has no stage “\(stage)”") }
            try Self.insertEvent(
                connection, job: job, epoch: term.epoch, actor: term.holder, kind: "stage \(state.rawValue)",
                message: stage + (message.isEmpty ? "" : ": " + message))
        }
    }

    static func cancelOpenShards(_ connection: Connection, job: JobID, epoch: Int64) throws {
        try connection.execute(
            """
            WITH open AS (
                SELECT id, attempt, worker, boot, leased_at, state FROM shard
                WHERE job = $1 AND state IN ('queued', 'leased') ORDER BY id FOR UPDATE
            ), ended AS (
                INSERT INTO attempt (shard, attempt, worker, boot, epoch, leased_at, outcome, code, error)
                SELECT id, attempt, worker, boot, $2, leased_at, 'cancelled', 'cancelled', '' FROM open WHERE state = 'leased'
            )
            UPDATE shard SET state = 'cancelled', worker = NULL, boot = NULL, leased_at = NULL, lease_until = NULL
            FROM open WHERE shard.id = open.id
            """, [.int8(job.rawValue), .int8(epoch)])
    }

    private static func job(_ row: Row, _ connection: Connection) throws -> Job {
        let id = JobID(try row.int64(0))
        return Job(
            id: id, pipeline: try row.data(1), seed: try row.int64(2), archive: try row.text(3),
            state: Job.State(rawValue: try row.text(4)) ?? .failed, message: try row.text(5),
            numericSetup: try row.optionalText(6), createdAt: try row.double(7), finishedAt: try row.optionalDouble(8),
            stages: try stages(of: id, connection))
    }

    static func stages(of job: JobID, _ connection: Connection) throws -> [JobStage] {
        try connection.execute(
            """
            SELECT name, state, message, extract(epoch FROM started_at)::float8, extract(epoch FROM finished_at)::float8,
                rounds, kind
            FROM stage WHERE job = $1 ORDER BY ordinal
            """, [.int8(job.rawValue)]
        ).map { row in
            JobStage(
                name: try row.text(0), kind: try row.text(6), state: JobStage.State(rawValue: try row.text(1)) ?? .failed,
                message: try row.text(2), startedAt: try row.optionalDouble(3), finishedAt: try row.optionalDouble(4),
                rounds: try row.int32(5))
        }
    }
}
