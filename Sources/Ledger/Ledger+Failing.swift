import Foundation
import PostgreSQL

extension Ledger {
    /// Ends an attempt without a result: the shard is queued again after a pause, or set aside when it failed too
    /// often. Errors of its computation and deaths of its workers are counted apart.
    ///
    /// - Parameters:
    ///   - code: a short, countable word for the reason.
    ///   - error: what happened; must hold no report text.
    ///   - isInfrastructureLoss: whether the worker was lost, rather than the computation failed.
    ///   - isDeterministic: whether the computation would fail so again, wherever it ran: it is set aside at once.
    public func fail(
        _ lease: LeaseKey, worker: WorkerIncarnation, code: String, error: String, isInfrastructureLoss: Bool,
        isDeterministic: Bool = false, policy: RetryPolicy = RetryPolicy()
    ) throws -> FailureOutcome {
        try lead { connection, term in
            let held = try connection.execute(
                """
                SELECT id, attempt, worker, boot, job, stage, round, key, centre, task_errors, losses FROM shard
                WHERE id = $1 AND attempt = $2 AND worker = $3 AND boot = $4 AND state = 'leased' FOR UPDATE
                """,
                [.int8(lease.shard.rawValue), .int4(lease.fence), .text(worker.name), .text(worker.boot)])
            let failure = Failure(
                code: code, message: error, isLoss: isInfrastructureLoss, isImmediate: false,
                isHopeless: isDeterministic && !isInfrastructureLoss, policy: policy)
            return try Self.end(held, failure, connection, term).first?.outcome ?? .stale
        }
    }

    /// Ends the leases whose time has run out by the database's clock; each counts as a loss of its worker. Ends
    /// nothing within the grace after a take-over.
    public func expireLeases(policy: RetryPolicy = RetryPolicy()) throws -> [LostLease] {
        try lead { connection, term in
            let held = try connection.execute(
                """
                SELECT id, attempt, worker, boot, job, stage, round, key, centre, task_errors, losses FROM shard
                WHERE state = 'leased' AND lease_until < now()
                    AND now() >= (SELECT grace_until FROM leader WHERE name = 'coordinator')
                ORDER BY id LIMIT 5000 FOR UPDATE SKIP LOCKED
                """)
            let failure = Failure(
                code: "lease-expired", message: "its worker was silent for longer than the lease", isLoss: true,
                isImmediate: false, policy: policy)
            return try Self.end(held, failure, connection, term)
        }
    }

    /// Ends the leases that earlier lives of a worker left behind; they can be claimed at once.
    static func loseLeases(
        ofEarlierLives worker: WorkerIncarnation, policy: RetryPolicy, _ connection: Connection, _ term: LeaderTerm
    ) throws -> [LostLease] {
        let held = try connection.execute(
            """
            SELECT id, attempt, worker, boot, job, stage, round, key, centre, task_errors, losses FROM shard
            WHERE state = 'leased' AND worker = $1 AND boot <> $2 ORDER BY id FOR UPDATE
            """, [.text(worker.name), .text(worker.boot)])
        let failure = Failure(
            code: "worker-restarted", message: "its worker died and was started again", isLoss: true, isImmediate: true,
            policy: policy)
        return try end(held, failure, connection, term)
    }

    private struct Failure {
        var code: String
        var message: String
        var isLoss: Bool
        var isImmediate: Bool
        var isHopeless = false
        var policy: RetryPolicy
    }

    /// Ends the attempts in `held` (id, attempt, worker, boot, job, stage, round, key, centre, task errors, losses),
    /// which the caller has locked: what each shard becomes, its attempt's row, and the count by reason.
    private static func end(
        _ held: Rows, _ failure: Failure, _ connection: Connection, _ term: LeaderTerm
    ) throws -> [LostLease] {
        guard !held.isEmpty else { return [] }
        let policy = failure.policy
        let lost = try held.map { row in
            let count = try row.int32(failure.isLoss ? 10 : 9) + 1
            let limit = failure.isLoss ? policy.maxLosses : policy.maxTaskErrors
            // Jitter keeps shards that failed together from coming back together.
            let backoff =
                failure.isImmediate
                ? 0
                : min(policy.maxBackoff, policy.initialBackoff * Double(1 << min(Int(count) - 1, 20)))
                    * Double.random(in: 0.8...1.2)
            return LostLease(
                lease: LeaseKey(shard: ShardID(try row.int64(0)), fence: try row.int32(1)),
                job: JobID(try row.int64(4)), stage: try row.text(5), round: try row.int32(6), key: try row.text(7),
                centre: try row.text(8), worker: WorkerIncarnation(name: try row.text(2), boot: try row.text(3)),
                outcome: failure.isHopeless || count >= limit ? .quarantined : .requeued(backoff: backoff))
        }
        let backoffs = lost.map { lease -> Double? in
            if case .requeued(let backoff) = lease.outcome { backoff } else { nil }
        }
        let code = failure.code.withoutNul
        let message = String(failure.message.withoutNul.prefix(2000))
        try connection.execute(
            """
            WITH given AS (SELECT * FROM unnest($1, $2) AS g (id, backoff)), ended AS (
                INSERT INTO attempt (shard, attempt, worker, boot, epoch, leased_at, outcome, code, error)
                SELECT s.id, s.attempt, s.worker, s.boot, $3, s.leased_at, $4, $5, $6 FROM shard s JOIN given USING (id)
            )
            UPDATE shard SET state = CASE WHEN backoff IS NULL THEN 'quarantined' ELSE 'queued' END,
                available_at = now() + make_interval(secs => coalesce(backoff, 0)),
                task_errors = task_errors + CASE WHEN $7 THEN 0 ELSE 1 END,
                losses = losses + CASE WHEN $7 THEN 1 ELSE 0 END,
                worker = NULL, boot = NULL, leased_at = NULL, lease_until = NULL
            FROM given WHERE shard.id = given.id
            """,
            [
                .int8s(lost.map(\.lease.shard.rawValue)), .float8s(backoffs), .int8(term.epoch),
                .text(failure.isLoss ? "lost" : "failed"), .text(code), .text(message), .bool(failure.isLoss),
            ])
        let stages = Dictionary(grouping: lost) { StageKey(job: $0.job, stage: $0.stage) }
            .sorted { ($0.key.job, $0.key.stage) < ($1.key.job, $1.key.stage) }
        try connection.execute(
            """
            INSERT INTO stage_error AS e (job, stage, code, count, last_message, last_at)
            SELECT job, stage, $1, n, $2, now() FROM unnest($3, $4, $5) AS g (job, stage, n)
            ON CONFLICT (job, stage, code) DO UPDATE SET count = e.count + excluded.count,
                last_message = excluded.last_message, last_at = excluded.last_at
            """,
            [
                .text(code), .text(message), .int8s(stages.map(\.key.job.rawValue)), .texts(stages.map(\.key.stage)),
                .int8s(stages.map { Int64($0.value.count) }),
            ])
        return lost
    }

    private struct StageKey: Hashable {
        var job: JobID
        var stage: String
    }
}
