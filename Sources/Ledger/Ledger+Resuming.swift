import PostgreSQL

extension Ledger {
    /// Takes up a job that failed or was cancelled: it runs again from the first stage that did not come to its end, and
    /// from the round that was under way. What was committed stays; shards of that round that were set aside or cancelled
    /// are queued again, with their counts of failures at zero. Needs no leadership: a coordinator finds the job.
    ///
    /// - Returns: how many shards were queued again.
    /// - Throws: `.unknownJob`; `.invalid` for a job that runs, came to its end or was pruned.
    @discardableResult
    public func resumeJob(_ id: JobID) throws -> Int {
        let holder = term?.holder ?? "operator"
        let epoch = term?.epoch ?? 0
        return try write { connection in
            let found = try connection.execute(
                "SELECT state, pruned_at IS NOT NULL FROM job WHERE id = $1 FOR UPDATE", [.int8(id.rawValue)])
            guard let row = found.first else { throw LedgerError(.unknownJob, "the database knows no job \(id)") }
            let state = try row.text(0)
            guard try !row.bool(1) else {
                throw LedgerError(.invalid, "job \(id) was pruned: what it needs to go on is gone, submit it again")
            }
            guard ["failed", "cancelled"].contains(state) else {
                throw LedgerError(.invalid, "job \(id) is \(state): only one that failed or was cancelled can be taken up again")
            }
            try Self.reopen(id, stages: .pending, connection)
            let shards = try connection.execute(
                """
                UPDATE shard s SET state = 'queued', task_errors = 0, losses = 0, available_at = now()
                WHERE job = $1 AND state IN ('cancelled', 'quarantined') AND NOT EXISTS (
                    SELECT FROM round r WHERE r.job = s.job AND r.stage = s.stage AND r.round = s.round
                        AND r.finished_at IS NOT NULL)
                """, [.int8(id.rawValue)]
            ).affected
            try Self.insertEvent(
                connection, job: id, epoch: epoch, actor: holder, kind: "job resumed", message: "\(shards) shards queued again")
            return shards
        }
    }

    /// The job runs again, with the stages that did not come to their end. What shards that were set aside had left undone
    /// is tried again: rows that say it is lost go.
    static func reopen(_ job: JobID, stages state: JobStage.State, _ connection: Connection) throws {
        let parameters: [Parameter] = [.int8(job.rawValue)]
        try connection.execute(
            "UPDATE job SET state = 'running', message = '', finished_at = NULL WHERE id = $1", parameters)
        try connection.execute(
            """
            DELETE FROM item_status i USING stage s
            WHERE i.job = $1 AND i.reason_code = 'shard-set-aside' AND s.job = i.job AND s.name = i.stage
                AND s.state IN ('failed', 'cancelled')
            """, parameters)
        try connection.execute(
            """
            UPDATE stage SET state = $2, message = '', finished_at = NULL
            WHERE job = $1 AND state IN ('failed', 'cancelled')
            """, parameters + [.text(state.rawValue)])
    }
}
