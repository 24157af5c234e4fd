import Digest
import Foundation
import PostgreSQL

extension Ledger {
    /// Puts shards into the queue. A shard whose key is known in its job, stage and round already is left alone, so
    /// that planning may be repeated after a crash.
    ///
    /// - Returns: how many were new.
    @discardableResult
    public func enqueue(job: JobID, stage: String, round: Int32, shards: [NewShard]) throws -> Int {
        guard Set(shards.map(\.key)).count == shards.count else {
            throw LedgerError(.invalid, "stage “\(stage)” of job \(job) enqueues a key twice")
        }
        // Bounded transactions: a stage may have a million shards.
        var new = 0
        for start in stride(from: 0, to: shards.count, by: 5000) {
            let slice = Array(shards[start..<min(start + 5000, shards.count)])
            new += try lead { connection, _ in try Self.insertShards(connection, job, stage, round, slice) }
        }
        return new
    }

    private static func insertShards(
        _ connection: Connection, _ job: JobID, _ stage: String, _ round: Int32, _ shards: [NewShard]
    ) throws -> Int {
        guard try connection.execute("SELECT 1 FROM job WHERE id = $1 AND state = 'running'", [.int8(job.rawValue)]).count == 1
        else { throw LedgerError(.unknownJob, "job \(job) is not running: nothing was enqueued") }
        let rows = try connection.execute(
            """
            INSERT INTO shard (job, stage, round, key, centre, priority, items, needs_uniform_setup)
            SELECT $1, $2, $3, key, centre, priority, items, uniform
            FROM unnest($4, $5, $6, $7, $8) WITH ORDINALITY AS s (key, centre, priority, items, uniform, ordinal)
            ORDER BY ordinal
            ON CONFLICT (job, stage, round, key) DO NOTHING RETURNING key, id
            """,
            [
                .int8(job.rawValue), .text(stage), .int4(round), .texts(shards.map(\.key)), .texts(shards.map(\.centre)),
                .int4s(shards.map(\.priority)), .int4s(shards.map(\.items)), .bools(shards.map(\.needsUniformSetup)),
            ])
        var ids = [String: Int64](minimumCapacity: rows.count)
        for row in rows { ids[try row.text(0)] = try row.int64(1) }
        let new = shards.compactMap { shard in ids[shard.key].map { (id: $0, shard: shard) } }
        try connection.execute(
            "INSERT INTO shard_input (shard, input) SELECT * FROM unnest($1, $2)",
            [.int8s(new.map(\.id)), .jsons(new.map(\.shard.input))])
        try insertShardBlobs(connection, role: "input", new.map { (ShardID($0.id), $0.shard.blobs) })
        let centres = Set(shards.map(\.centre)).subtracting([""]).sorted()
        if !centres.isEmpty {
            try connection.execute(
                "INSERT INTO centre (job, name) SELECT $1, unnest($2) ON CONFLICT DO NOTHING",
                [.int8(job.rawValue), .texts(centres)])
        }
        return new.count
    }

    static func insertShardBlobs(
        _ connection: Connection, role: String, _ blobs: [(shard: ShardID, digests: [SHA256Digest])]
    ) throws {
        let flat = blobs.flatMap { entry in
            entry.digests.enumerated().map { (entry.shard.rawValue, Int32($0.offset), $0.element.bytes) }
        }
        guard !flat.isEmpty else { return }
        try connection.execute(
            "INSERT INTO shard_blob (shard, role, ordinal, digest) SELECT s, $1, o, d FROM unnest($2, $3, $4) AS b (s, o, d)",
            [.text(role), .int8s(flat.map(\.0)), .int4s(flat.map(\.1)), .byteas(flat.map(\.2))])
    }

    /// Leases up to `limit` shards to a worker, in one statement, past whatever others hold locked.
    ///
    /// A shard goes only to a worker that can read its centre. One that needs the uniform setup goes only to a worker
    /// with the job's setup; the first such claim of a job fixes it.
    ///
    /// - Parameters:
    ///   - excluded: centres of single jobs that the worker does not take although it reads the centre.
    ///   - stage: only shards of this stage; nil: of all.
    public func claim(
        worker: WorkerIncarnation, centres: [String], setup: String, limit: Int, leaseDuration: Duration,
        excluding excluded: [JobCentre] = [], only stage: StageOfJob? = nil
    ) throws -> [ClaimedShard] {
        guard limit > 0 else { return [] }
        return try lead { connection, _ in
            try connection.execute(
                // `picked` looks at each centre's queue by its index; `bound` fixes the setup of jobs that have none
                // (a rival's UPDATE of the same row makes this one wait and then find it fixed); only then are leases
                // written.
                """
                WITH picked AS MATERIALIZED (
                    SELECT c.id, c.job, c.needs_uniform_setup, c.numeric_setup, c.priority
                    FROM unnest($3 || ARRAY['']) AS readable (centre) CROSS JOIN LATERAL (
                        SELECT s.id, s.job, s.needs_uniform_setup, j.numeric_setup, s.priority
                        FROM shard s JOIN job j ON j.id = s.job
                        WHERE s.state = 'queued' AND s.centre = readable.centre AND s.available_at <= now()
                            AND j.state = 'running'
                            AND (NOT s.needs_uniform_setup OR j.numeric_setup IS NULL OR j.numeric_setup = $4)
                            AND ($7::bigint IS NULL OR s.job = $7 AND s.stage = $8)
                            AND NOT EXISTS (
                                SELECT 1 FROM unnest($9, $10) AS x (job, centre) WHERE x.job = s.job AND x.centre = s.centre)
                        ORDER BY s.priority DESC, s.id LIMIT $5 FOR UPDATE OF s SKIP LOCKED
                    ) AS c
                    ORDER BY c.priority DESC, c.id LIMIT $5
                ), bound AS (
                    UPDATE job SET numeric_setup = $4
                    WHERE numeric_setup IS NULL AND id IN (SELECT job FROM picked WHERE needs_uniform_setup)
                    RETURNING id
                ), leased AS (
                    UPDATE shard SET state = 'leased', attempt = attempt + 1, worker = $1, boot = $2, leased_at = now(),
                        lease_until = now() + make_interval(secs => $6)
                    FROM picked
                    WHERE shard.id = picked.id AND shard.state = 'queued' AND (NOT picked.needs_uniform_setup
                        OR picked.numeric_setup = $4 OR picked.job IN (SELECT id FROM bound))
                    RETURNING shard.id, shard.job, stage, round, key, centre, attempt, shard.priority
                )
                SELECT l.id, l.job, l.stage, l.round, l.key, l.centre, l.attempt, i.input,
                    (SELECT g.kind FROM stage g WHERE g.job = l.job AND g.name = l.stage)
                FROM leased l JOIN shard_input i ON i.shard = l.id ORDER BY l.priority DESC, l.id
                """,
                [
                    .text(worker.name), .text(worker.boot), .texts(Array(Set(centres).subtracting([""])).sorted()),
                    .text(setup), .int8(Int64(limit)), .float8(leaseDuration.inSeconds), .int8(stage?.job.rawValue),
                    .text(stage?.stage), .int8s(excluded.map(\.job.rawValue)), .texts(excluded.map(\.centre)),
                ]
            ).map { row in
                ClaimedShard(
                    id: ShardID(try row.int64(0)), job: JobID(try row.int64(1)), stage: try row.text(2),
                    kind: try row.text(8), round: try row.int32(3), key: try row.text(4), centre: try row.text(5), input: try row.data(7),
                    fence: try row.int32(6))
            }
        }
    }

    /// Lengthens leases, and counts as the worker's heartbeat. A lease that has run out but was not expired yet is
    /// lengthened too.
    ///
    /// - Returns: the leases that the worker still holds; it must stop working on the others.
    public func renew(
        _ leases: [LeaseKey], worker: WorkerIncarnation, leaseDuration: Duration
    ) throws -> Set<LeaseKey> {
        try renew([Heartbeat(worker: worker, leases: leases)], leaseDuration: leaseDuration)
    }

    /// The heartbeats of many workers in one transaction.
    public func renew(_ heartbeats: [Heartbeat], leaseDuration: Duration) throws -> Set<LeaseKey> {
        let held = heartbeats.flatMap { beat in beat.leases.map { (lease: $0, worker: beat.worker) } }
        return try lead { connection, _ in
            // A renewal that a crash of PostgreSQL undoes costs nothing that the next heartbeat does not mend: it need
            // not wait for the disk.
            try connection.execute("SET LOCAL synchronous_commit = off")
            try connection.execute(
                """
                UPDATE worker_heartbeat SET seen_at = now()
                FROM unnest($1, $2) AS beat (name, boot) JOIN worker USING (name, boot)
                WHERE worker_heartbeat.worker = beat.name
                """,
                [.texts(heartbeats.map(\.worker.name)), .texts(heartbeats.map(\.worker.boot))])
            // A worker that was given up and speaks again is back.
            try connection.execute(
                """
                UPDATE worker SET state = 'active' FROM unnest($1, $2) AS beat (name, boot)
                WHERE worker.name = beat.name AND worker.boot = beat.boot AND worker.state = 'lost'
                """,
                [.texts(heartbeats.map(\.worker.name)), .texts(heartbeats.map(\.worker.boot))])
            guard !held.isEmpty else { return [] }
            let rows = try connection.execute(
                """
                WITH held AS (
                    SELECT s.id FROM shard s JOIN unnest($1, $2, $3, $4) AS l (id, attempt, worker, boot)
                        ON s.id = l.id AND s.attempt = l.attempt AND s.worker = l.worker AND s.boot = l.boot
                    WHERE s.state = 'leased' ORDER BY s.id FOR UPDATE OF s
                )
                UPDATE shard SET lease_until = now() + make_interval(secs => $5) FROM held WHERE shard.id = held.id
                RETURNING shard.id, attempt
                """,
                [
                    .int8s(held.map(\.lease.shard.rawValue)), .int4s(held.map(\.lease.fence)),
                    .texts(held.map(\.worker.name)), .texts(held.map(\.worker.boot)), .float8(leaseDuration.inSeconds),
                ])
            return Set(try rows.map { LeaseKey(shard: ShardID(try $0.int64(0)), fence: try $0.int32(1)) })
        }
    }

    /// Gives leases back undone, as a draining worker does: the shards can be claimed at once, and it counts as no
    /// failure.
    ///
    /// - Returns: how many were still held.
    @discardableResult
    public func release(_ leases: [LeaseKey], worker: WorkerIncarnation) throws -> Int {
        guard !leases.isEmpty else { return 0 }
        return try release(leases, named: true, worker)
    }

    /// Gives back what a worker holds in the ledger but not in its hands: a leader wrote the lease, and it or the
    /// connection ended before the shard was sent. It counts as no failure.
    ///
    /// - Parameter held: what the worker has in hand.
    /// - Returns: how many leases were given back.
    @discardableResult
    public func release(allBut held: [LeaseKey], worker: WorkerIncarnation) throws -> Int {
        try release(held, named: false, worker)
    }

    /// - Parameter named: whether to release the given leases, or all others.
    private func release(_ leases: [LeaseKey], named: Bool, _ worker: WorkerIncarnation) throws -> Int {
        try lead { connection, term in
            try connection.execute(
                """
                WITH held AS (
                    SELECT s.id, s.attempt, s.worker, s.boot, s.leased_at FROM shard s
                    WHERE s.state = 'leased' AND s.worker = $1 AND s.boot = $2
                        AND $6 = EXISTS (
                            SELECT 1 FROM unnest($3, $4) AS l (id, attempt) WHERE l.id = s.id AND l.attempt = s.attempt)
                    ORDER BY s.id FOR UPDATE OF s
                ), ended AS (
                    INSERT INTO attempt (shard, attempt, worker, boot, epoch, leased_at, outcome, code, error)
                    SELECT id, attempt, worker, boot, $5, leased_at, 'released', '', '' FROM held
                )
                UPDATE shard SET state = 'queued', available_at = now(), worker = NULL, boot = NULL, leased_at = NULL,
                    lease_until = NULL
                FROM held WHERE shard.id = held.id
                """,
                [
                    .text(worker.name), .text(worker.boot), .int8s(leases.map(\.shard.rawValue)),
                    .int4s(leases.map(\.fence)), .int8(term.epoch), .bool(named),
                ]
            ).affected
        }
    }
}

/// What a worker says of itself now and then: that it lives, and which leases it works on.
public struct Heartbeat: Hashable, Sendable {
    public var worker: WorkerIncarnation
    public var leases: [LeaseKey]

    public init(worker: WorkerIncarnation, leases: [LeaseKey]) {
        self.worker = worker
        self.leases = leases
    }
}
