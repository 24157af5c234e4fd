import PostgreSQL

extension Ledger {
    /// Removes jobs that have ended, and then every content that nothing names. Needs no leadership, and may be done while
    /// a coordinator leads.
    ///
    /// Of a job that keeps its models there remain the job, its stages, rounds, final parameters, evaluations and history;
    /// its shards, rows about studies and images, and pictures go. It cannot be taken up again.
    ///
    /// - Parameter isTrial: nothing is removed; the report says what would be.
    /// - Throws: `.unknownJob`; `.invalid` for one that still runs.
    public func prune(_ selection: PruneSelection, isTrial: Bool = false) throws -> PruneReport {
        let before = try databaseBytes()
        struct Undo: Error { var jobs: [PruneReport.PrunedJob]; var removed: RemovedContents }
        let jobs: [PruneReport.PrunedJob]
        do {
            jobs = try write { connection in
                // However much there is: nobody else waits for these rows.
                try connection.execute("SELECT set_config('statement_timeout', '0', true)")
                let jobs = try Self.select(selection, connection)
                try Self.remove(jobs.map(\.id), takesModels: selection.takesModels, connection)
                if isTrial { throw Undo(jobs: jobs, removed: try Self.orphans(connection)) }
                return jobs
            }
        } catch let trial as Undo {
            return PruneReport(
                jobs: trial.jobs, contents: trial.removed.contents, contentBytes: trial.removed.bytes,
                databaseBytesBefore: before, databaseBytesAfter: before)
        }
        // While a job runs, what is young may be about to be named: the coordinator's own sweep takes it later.
        let removed = try sweepOrphans(olderThan: try activeJobs().isEmpty ? .zero : .seconds(3600))
        return PruneReport(
            jobs: jobs, contents: removed.contents, contentBytes: removed.bytes, databaseBytesBefore: before,
            databaseBytesAfter: try databaseBytes())
    }

    /// Makes the space of removed rows free for new ones; with `isFull` gives it back to the disk, which needs as much room
    /// as what remains and keeps everybody waiting meanwhile.
    ///
    /// - Returns: the database's size afterwards, in bytes.
    @discardableResult
    public func vacuum(isFull: Bool) throws -> Int64 {
        try withWritingConnection { connection in
            try connection.execute("SELECT set_config('statement_timeout', '0', false)")
            if isFull {
                try connection.execute("VACUUM (FULL, ANALYZE)")
            } else {
                try connection.execute("VACUUM (ANALYZE)")
            }
        }
        // The next call makes a connection with the usual limits.
        close()
        return try databaseBytes()
    }

    /// Gives the space of removed contents back to the disk where that is most of what the database takes, as after a job
    /// whose deltas are gone. Nobody can read contents meanwhile.
    ///
    /// - Returns: how many bytes were given back.
    @discardableResult
    public func compact() throws -> Int64 {
        let before = try databaseBytes()
        let live = try read { try $0.execute("SELECT coalesce(sum(size), 0)::int8 FROM blob").first?.int64(0) ?? 0 }
        guard before - live > max(live, 64 << 20) else { return 0 }
        try withWritingConnection { connection in _ = try connection.execute("VACUUM (FULL) blob_chunk") }
        return before - (try databaseBytes())
    }

    /// The database's size on its disk.
    public func databaseBytes() throws -> Int64 {
        try read { try $0.execute("SELECT pg_database_size(current_database())").first?.int64(0) ?? 0 }
    }

    private static func select(_ selection: PruneSelection, _ connection: Connection) throws -> [PruneReport.PrunedJob] {
        let named = selection.jobs.map(\.rawValue)
        let rows = try connection.execute(
            """
            SELECT id, archive, state, (SELECT count(*) FROM shard WHERE job = job.id) FROM job
            WHERE id = ANY ($1) OR (state <> 'running' AND (pruned_at IS NULL OR $3)
                AND finished_at < now() - make_interval(secs => $2))
            ORDER BY id FOR UPDATE
            """,
            [
                .int8s(named), .float8(selection.endedBefore?.inSeconds), .bool(selection.takesModels),
            ])
        let jobs = try rows.map { row in
            PruneReport.PrunedJob(
                id: JobID(try row.int64(0)), archive: try row.text(1),
                state: Job.State(rawValue: try row.text(2)) ?? .failed, shards: Int(try row.int64(3)))
        }
        for id in selection.jobs where !jobs.contains(where: { $0.id == id }) {
            throw LedgerError(.unknownJob, "the database knows no job \(id): nothing was removed")
        }
        if let running = jobs.first(where: { $0.state == .running }) {
            throw LedgerError(.invalid, "job \(running.id) is running: cancel it first; nothing was removed")
        }
        return jobs
    }

    private static func remove(_ jobs: [JobID], takesModels: Bool, _ connection: Connection) throws {
        let named: [Parameter] = [.int8s(jobs.map(\.rawValue))]
        if takesModels {
            try connection.execute("DELETE FROM job WHERE id = ANY ($1)", named)
            try connection.execute(
                "DELETE FROM model m WHERE NOT EXISTS (SELECT 1 FROM round r WHERE r.result = m.digest)")
            return
        }
        try connection.execute("DELETE FROM shard WHERE job = ANY ($1)", named)
        try connection.execute("DELETE FROM mask WHERE job = ANY ($1)", named)
        try connection.execute("DELETE FROM feature WHERE job = ANY ($1)", named)
        try connection.execute("DELETE FROM picture WHERE job = ANY ($1)", named)
        try connection.execute("DELETE FROM box WHERE job = ANY ($1)", named)
        try connection.execute("DELETE FROM image_score WHERE job = ANY ($1)", named)
        try connection.execute("DELETE FROM bag_score WHERE job = ANY ($1)", named)
        try connection.execute("DELETE FROM report_label WHERE job = ANY ($1)", named)
        try connection.execute("DELETE FROM item_status WHERE job = ANY ($1)", named)
        try connection.execute("DELETE FROM study WHERE job = ANY ($1)", named)
        try connection.execute("DELETE FROM throughput WHERE job = ANY ($1)", named)
        try connection.execute(
            """
            UPDATE round r SET pruned = true WHERE job = ANY ($1) AND round < (
                SELECT max(round) FROM round l WHERE l.job = r.job AND l.stage = r.stage AND l.finished_at IS NOT NULL)
            """, named)
        try connection.execute(
            """
            UPDATE job SET pruned_at = coalesce(pruned_at, now()),
                message = CASE WHEN pruned_at IS NOT NULL THEN message
                    ELSE concat_ws('; ', nullif(message, ''), 'pruned: only models and evaluations are left') END
            WHERE id = ANY ($1)
            """, named)
    }

    private static func orphans(_ connection: Connection) throws -> RemovedContents {
        let rows = try connection.execute(
            "SELECT count(*), coalesce(sum(size), 0)::int8 FROM blob WHERE NOT blob_is_named(digest)")
        guard let row = rows.first else { return RemovedContents() }
        return RemovedContents(contents: Int(try row.int64(0)), bytes: try row.int64(1))
    }
}
