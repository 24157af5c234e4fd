import Digest
import Foundation
import PostgreSQL

extension Ledger {
    /// Writes the rows of a reduce. Rows of the same key are replaced, so a reduce may be repeated after a crash;
    /// events are added each time.
    public func writeRows(job: JobID, stage: String, _ rows: [ResultRow]) throws {
        for start in stride(from: 0, to: rows.count, by: 20_000) {
            try lead { connection, term in
                try Self.replaceRows(rows[start..<min(start + 20_000, rows.count)], job, stage, connection, term)
            }
        }
    }

    private static func replaceRows(
        _ rows: ArraySlice<ResultRow>, _ job: JobID, _ stage: String, _ connection: Connection, _ term: LeaderTerm
    ) throws {
        var batch = RowBatch()
        for row in rows { batch.append(row, of: RowOwner(job: job, stage: stage, shard: nil)) }
        try batch.insert(into: connection, term, mode: .replace)
    }

    /// Records that a round has begun, from which parameters, and how many contributions it awaits. Opening it again
    /// changes nothing.
    public func openRound(job: JobID, stage: String, round: Int32, expected: Int, base: SHA256Digest?) throws {
        try lead { connection, _ in
            if let base { try Self.requireBlob(base, connection) }
            try connection.execute(
                """
                INSERT INTO round (job, stage, round, expected, base) VALUES ($1, $2, $3, $4, $5)
                ON CONFLICT (job, stage, round) DO NOTHING
                """,
                [.int8(job.rawValue), .text(stage), .int4(round), .int4(Int32(expected)), .bytea(base?.bytes)])
        }
    }

    /// Ends a round in one transaction: its rows, its new parameters, what each replica gave, and the metrics.
    /// Repeating it after a crash writes the same again. Blobs of rounds before the last two are let go of.
    ///
    /// - Parameters:
    ///   - model: the round's result; its blob must be in the ledger.
    ///   - metrics: JSON; a number `validationAUC` in it is shown in status.
    ///   - state: a blob in the ledger that the next round's reduction needs.
    ///   - isFinal: whether the stage ends with this round.
    /// - Returns: what was let go of, for `removeContents`.
    @discardableResult
    public func finishRound(
        job: JobID, stage: String, round: Int32, rows: [ResultRow], model: ModelDescription?,
        contributions: [Contribution], metrics: Data, state: SHA256Digest? = nil, isFinal: Bool = false
    ) throws -> [SHA256Digest] {
        let taken = contributions.filter { $0.rejected == nil }
        let withLoss = taken.filter { $0.loss != nil && $0.weight > 0 }
        let weight = withLoss.reduce(0) { $0 + $1.weight }
        let loss = weight > 0 ? withLoss.reduce(0) { $0 + $1.weight * ($1.loss ?? 0) } / weight : nil
        return try lead { connection, term in
            if let state { try Self.requireBlob(state, connection) }
            if let model {
                try Self.requireBlob(model.digest, connection)
                try connection.execute(
                    """
                    INSERT INTO model (digest, parameter_count, description) VALUES ($1, $2, $3)
                    ON CONFLICT (digest) DO NOTHING
                    """, [.bytea(model.digest.bytes), .int8(model.parameterCount), .text(model.description)])
            }
            try connection.execute(
                """
                INSERT INTO round AS r
                    (job, stage, round, expected, received, rejected, result, loss, metrics, state, is_final, finished_at)
                VALUES ($1, $2, $3, $4, $4, $5, $6, $7, $8, $9, $10, now())
                ON CONFLICT (job, stage, round) DO UPDATE SET received = excluded.received, rejected = excluded.rejected,
                    result = excluded.result, loss = excluded.loss, metrics = excluded.metrics,
                    state = excluded.state, is_final = excluded.is_final,
                    finished_at = coalesce(r.finished_at, now())
                """,
                [
                    .int8(job.rawValue), .text(stage), .int4(round), .int4(Int32(contributions.count)),
                    .int4(Int32(contributions.count - taken.count)), .bytea(model?.digest.bytes), .float8(loss),
                    .json(metrics), .bytea(state?.bytes), .bool(isFinal),
                ])
            try Self.replaceContributions(contributions, job, stage, round, connection)
            try Self.replaceRows(rows[...], job, stage, connection, term)
            return try Self.prune(job, stage, keeping: 2, connection).released
        }
    }

    private static func replaceContributions(
        _ contributions: [Contribution], _ job: JobID, _ stage: String, _ round: Int32, _ connection: Connection
    ) throws {
        try connection.execute(
            "DELETE FROM contribution WHERE job = $1 AND stage = $2 AND round = $3",
            [.int8(job.rawValue), .text(stage), .int4(round)])
        try connection.execute(
            """
            INSERT INTO contribution (job, stage, round, replica, centre, samples, weight, loss, delta, rejected)
            SELECT $1, $2, $3, * FROM unnest($4, $5, $6, $7, $8, $9, $10)
            """,
            [
                .int8(job.rawValue), .text(stage), .int4(round), .texts(contributions.map(\.replica)),
                .texts(contributions.map(\.centre)), .int8s(contributions.map(\.samples)),
                .float8s(contributions.map(\.weight)), .float8s(contributions.map(\.loss)),
                .byteas(contributions.map { $0.delta?.bytes }), .texts(contributions.map(\.rejected)),
            ])
    }

    private static func requireBlob(_ digest: SHA256Digest, _ connection: Connection) throws {
        guard try connection.execute("SELECT 1 FROM blob WHERE digest = $1 FOR KEY SHARE", [.bytea(digest.bytes)]).count == 1
        else { throw LedgerError(.missingBlob, "blob \(digest) is not in the ledger: put it there first") }
    }

    /// Lets go of the parameters and deltas of all but the last `keeping` finished rounds, once and for all; their
    /// digests stay on record. `sweepOrphanBlobs` then removes the bytes that nothing else names.
    ///
    /// - Returns: how many rounds were let go.
    @discardableResult
    public func pruneRounds(job: JobID, stage: String, keeping: Int = 2) throws -> Int {
        try lead { connection, _ in try Self.prune(job, stage, keeping: max(keeping, 1), connection).rounds }
    }

    private static func prune(
        _ job: JobID, _ stage: String, keeping: Int, _ connection: Connection
    ) throws -> (rounds: Int, released: [SHA256Digest]) {
        let parameters: [Parameter] = [.int8(job.rawValue), .text(stage), .int8(Int64(keeping))]
        let pruned = try connection.execute(
            """
            UPDATE round SET pruned = true WHERE job = $1 AND stage = $2 AND NOT pruned AND round < (
                SELECT min(round) FROM (SELECT round FROM round WHERE job = $1 AND stage = $2 AND finished_at IS NOT NULL
                    ORDER BY round DESC LIMIT $3) AS last) RETURNING base, result, state
            """, parameters)
        guard !pruned.isEmpty else { return (0, []) }
        let named = try connection.execute(
            """
            DELETE FROM shard_blob USING shard s JOIN round r USING (job, stage, round)
            WHERE shard_blob.shard = s.id AND s.job = $1 AND s.stage = $2 AND r.pruned RETURNING digest
            """, [.int8(job.rawValue), .text(stage)])
        let digests =
            try pruned.flatMap { row in try (0..<3).compactMap { try row.optionalBytes($0) } }
            + named.map { try $0.bytes(0) }
        return (pruned.count, Array(Set(digests.compactMap { SHA256Digest(bytes: $0) })))
    }

    /// The rounds of a stage, in order.
    public func rounds(job: JobID, stage: String) throws -> [Round] {
        try read { connection in try Self.rounds(of: job, connection).filter { $0.stage == stage } }
    }

    /// The numbers of the last finished round of a stage; none before the first.
    public func lastMetrics(job: JobID, stage: String) throws -> [String: Double] {
        try read { connection in
            let rows = try connection.execute(
                """
                SELECT metrics FROM round WHERE job = $1 AND stage = $2 AND finished_at IS NOT NULL ORDER BY round DESC LIMIT 1
                """, [.int8(job.rawValue), .text(stage)])
            return try rows.first.map { try JSONDecoder().decode([String: Double].self, from: $0.data(0)) } ?? [:]
        }
    }

    static func rounds(of job: JobID, _ connection: Connection) throws -> [Round] {
        try connection.execute(
            """
            SELECT stage, round, expected, received, rejected, base, result, loss,
                CASE WHEN json_typeof(metrics -> 'validationAUC') = 'number' THEN (metrics ->> 'validationAUC')::float8 END,
                metrics, extract(epoch FROM finished_at)::float8, state, is_final
            FROM round WHERE job = $1 ORDER BY stage, round
            """, [.int8(job.rawValue)]
        ).map { row in
            Round(
                stage: try row.text(0), round: try row.int32(1), expected: try row.int32(2), received: try row.int32(3),
                rejected: try row.int32(4), base: try row.optionalBytes(5).flatMap { SHA256Digest(bytes: $0) },
                result: try row.optionalBytes(6).flatMap { SHA256Digest(bytes: $0) },
                state: try row.optionalBytes(11).flatMap { SHA256Digest(bytes: $0) }, isFinal: try row.bool(12),
                loss: try row.optionalDouble(7),
                validationAUC: try row.optionalDouble(8), metrics: try row.data(9),
                finishedAt: try row.optionalDouble(10))
        }
    }

    /// What each replica gave to a round, by its key.
    public func contributions(job: JobID, stage: String, round: Int32) throws -> [Contribution] {
        try read { connection in
            try connection.execute(
                """
                SELECT replica, centre, samples, weight, loss, delta, rejected FROM contribution
                WHERE job = $1 AND stage = $2 AND round = $3 ORDER BY replica
                """, [.int8(job.rawValue), .text(stage), .int4(round)]
            ).map { row in
                Contribution(
                    replica: try row.text(0), centre: try row.text(1), samples: try row.int64(2),
                    weight: try row.double(3), loss: try row.optionalDouble(4),
                    delta: try row.optionalBytes(5).flatMap { SHA256Digest(bytes: $0) }, rejected: try row.optionalText(6))
            }
        }
    }

    /// The messages of a kind of a stage's events, in the order in which they first came, each once: a repeated reduce writes
    /// its events again.
    public func eventMessages(job: JobID, stage: String, kind: String) throws -> [String] {
        try read { connection in
            try connection.execute(
                "SELECT message FROM event WHERE job = $1 AND stage = $2 AND kind = $3 GROUP BY message ORDER BY min(id)",
                [.int8(job.rawValue), .text(stage), .text(kind)]
            ).map { try $0.text(0) }
        }
    }

    /// The parameters that the last finished round of a stage left; nil before the first.
    public func finalModel(job: JobID, stage: String) throws -> ModelDescription? {
        try read { connection in
            let rows = try connection.execute(
                """
                SELECT m.digest, m.parameter_count, m.description FROM round r JOIN model m ON m.digest = r.result
                WHERE r.job = $1 AND r.stage = $2 AND r.finished_at IS NOT NULL ORDER BY r.round DESC LIMIT 1
                """, [.int8(job.rawValue), .text(stage)])
            return try rows.first.flatMap { row in
                try SHA256Digest(bytes: row.bytes(0)).map {
                    ModelDescription(digest: $0, parameterCount: try row.int64(1), description: try row.text(2))
                }
            }
        }
    }
}
