import Digest
import Foundation
import PostgreSQL

extension Ledger {
    /// Commits finished shards, all in one transaction: state, record, rows, blobs and counters. When this returns
    /// they are durable, and acknowledgements may leave.
    ///
    /// A commit takes effect only while its fence is its shard's. One whose rows or blobs break a rule of the schema
    /// is refused alone; the others are not held up.
    ///
    /// - Returns: one outcome a commit, in the same order.
    public func commit(_ commits: [ShardCommit]) throws -> [CommitOutcome] {
        guard !commits.isEmpty else { return [] }
        // The same attempt may be offered twice in one group when its acknowledgement was lost: the first counts.
        var seen = Set<LeaseKey>()
        let firsts = commits.indices.filter { seen.insert(commits[$0].lease).inserted }
        var outcomes = [CommitOutcome](repeating: .duplicate, count: commits.count)
        let offered = firsts.map { commits[$0] }
        let decided: [CommitOutcome]
        do {
            decided = try lead { connection, term in try Self.commit(offered, connection, term) }
        } catch let error as LedgerError where error.underlying?.isRefusedValue == true {
            // Somebody's rows are wrong, and nothing was written: once more, each behind a savepoint of its own.
            decided = try lead { connection, term in
                try offered.map { commit in
                    do {
                        return try connection.savepoint { try Self.commit([commit], connection, term)[0] }
                    } catch let error as PostgreSQLError where error.isRefusedValue {
                        return .invalid(error.description)
                    }
                }
            }
        }
        for (index, outcome) in zip(firsts, decided) { outcomes[index] = outcome }
        for index in commits.indices where !firsts.contains(index) {
            if let first = firsts.first(where: { commits[$0].lease == commits[index].lease }) {
                outcomes[index] = outcomes[first] == .accepted ? .duplicate : outcomes[first]
            }
        }
        return outcomes
    }

    private static func commit(
        _ commits: [ShardCommit], _ connection: Connection, _ term: LeaderTerm
    ) throws -> [CommitOutcome] {
        let leases: [Parameter] = [
            .int8s(commits.map(\.lease.shard.rawValue)), .int4s(commits.map(\.lease.fence)),
            .texts(commits.map(\.worker.name)), .texts(commits.map(\.worker.boot)),
        ]
        let accepted = try connection.execute(
            // The fence, the worker and the state stand in the statement that writes: nothing can come between.
            """
            WITH held AS (
                SELECT s.id, s.leased_at, o.record
                FROM shard s JOIN unnest($1, $2, $3, $4, $5) AS o (id, attempt, worker, boot, record)
                    ON s.id = o.id AND s.attempt = o.attempt AND s.worker = o.worker AND s.boot = o.boot
                WHERE s.state = 'leased' ORDER BY s.id FOR UPDATE OF s
            ), done AS (
                UPDATE shard SET state = 'done', worker = NULL, boot = NULL, leased_at = NULL, lease_until = NULL
                FROM held WHERE shard.id = held.id RETURNING shard.id, job, stage
            ), written AS (
                INSERT INTO shard_result (shard, attempt, worker, boot, epoch, leased_at, record)
                SELECT o.id, o.attempt, o.worker, o.boot, $6, held.leased_at, o.record
                FROM held JOIN unnest($1, $2, $3, $4, $5) AS o (id, attempt, worker, boot, record) USING (id)
            )
            SELECT id, job, stage FROM done
            """,
            leases + [.jsons(commits.map(\.record)), .int8(term.epoch)])
        var stages = [ShardID: RowOwner](minimumCapacity: accepted.count)
        for row in accepted {
            let shard = ShardID(try row.int64(0))
            stages[shard] = RowOwner(job: JobID(try row.int64(1)), stage: try row.text(2), shard: shard)
        }
        let written = commits.filter { stages[$0.lease.shard] != nil }
        try insertShardBlobs(connection, role: "output", written.map { ($0.lease.shard, $0.blobs) })
        var batch = RowBatch()
        for commit in written {
            guard let owner = stages[commit.lease.shard] else { continue }
            for row in commit.rows { batch.append(row, of: owner) }
        }
        try batch.insert(into: connection, term, mode: .strict)
        if written.count == commits.count { return commits.map { _ in .accepted } }

        let repeated = try connection.execute(
            """
            SELECT r.shard, r.attempt FROM shard_result r JOIN unnest($1, $2, $3, $4) AS o (id, attempt, worker, boot)
                ON r.shard = o.id AND r.attempt = o.attempt AND r.worker = o.worker AND r.boot = o.boot
            """, leases
        ).map { LeaseKey(shard: ShardID(try $0.int64(0)), fence: try $0.int32(1)) }
        return commits.map { commit in
            if stages[commit.lease.shard] != nil { return .accepted }
            return repeated.contains(commit.lease) ? .duplicate : .stale
        }
    }
}

/// Whose rows they are: every row of results carries its job and stage, and the shard that it came from.
struct RowOwner: Sendable {
    var job: JobID
    var stage: String
    /// nil for the rows of a reduce.
    var shard: ShardID?
}
