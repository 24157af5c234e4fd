import Foundation
import PostgreSQL

extension Ledger {
    /// Enters a worker, or its new life. Leases that an earlier life of the same name left behind are lost now, each
    /// counted, and can be claimed at once: nobody waits for them to run out.
    ///
    /// - Returns: those leases.
    @discardableResult
    public func register(_ worker: WorkerRegistration, policy: RetryPolicy = RetryPolicy()) throws -> [LostLease] {
        try lead { connection, term in
            try connection.execute(
                """
                INSERT INTO worker (name, boot, state, slots, centres, setup, address, version)
                VALUES ($1, $2, 'active', $3, $4, $5, $6, $7)
                ON CONFLICT (name) DO UPDATE SET boot = excluded.boot, state = 'active', slots = excluded.slots,
                    centres = excluded.centres, setup = excluded.setup, address = excluded.address,
                    version = excluded.version, registered_at = now(), troubles = '[]'
                """,
                [
                    .text(worker.incarnation.name), .text(worker.incarnation.boot), .int4(worker.slots),
                    .texts(worker.centres), .text(worker.setup), .text(worker.address), .text(worker.version),
                ])
            try connection.execute(
                """
                INSERT INTO worker_heartbeat (worker, seen_at) VALUES ($1, now())
                ON CONFLICT (worker) DO UPDATE SET seen_at = now()
                """, [.text(worker.incarnation.name)])
            return try Self.loseLeases(ofEarlierLives: worker.incarnation, policy: policy, connection, term)
        }
    }

    /// A worker leaves in good order: what it still holds is released, which counts as no failure.
    ///
    /// - Returns: how many leases it still held.
    @discardableResult
    public func goodbye(_ worker: WorkerIncarnation) throws -> Int {
        try lead { connection, term in
            try connection.execute(
                "UPDATE worker SET state = 'gone' WHERE name = $1 AND boot = $2",
                [.text(worker.name), .text(worker.boot)])
            return try connection.execute(
                """
                WITH held AS (
                    SELECT id, attempt, worker, boot, leased_at FROM shard
                    WHERE state = 'leased' AND worker = $1 AND boot = $2 ORDER BY id FOR UPDATE
                ), ended AS (
                    INSERT INTO attempt (shard, attempt, worker, boot, epoch, leased_at, outcome, code, error)
                    SELECT id, attempt, worker, boot, $3, leased_at, 'released', '', '' FROM held
                )
                UPDATE shard SET state = 'queued', available_at = now(), worker = NULL, boot = NULL, leased_at = NULL,
                    lease_until = NULL
                FROM held WHERE shard.id = held.id
                """, [.text(worker.name), .text(worker.boot), .int8(term.epoch)]
            ).affected
        }
    }

    /// Marks active workers as lost that have not been heard for `silentFor`. Their leases run out by themselves.
    ///
    /// - Returns: the workers that this call found lost; none within the grace after a take-over.
    public func markLost(silentFor limit: Duration) throws -> [WorkerIncarnation] {
        try lead { connection, _ in
            try connection.execute(
                """
                UPDATE worker SET state = 'lost' FROM worker_heartbeat h
                WHERE h.worker = worker.name AND worker.state = 'active'
                    AND h.seen_at < now() - make_interval(secs => $1)
                    AND now() >= (SELECT grace_until FROM leader WHERE name = 'coordinator')
                RETURNING name, boot
                """, [.float8(limit.inSeconds)]
            ).map { WorkerIncarnation(name: try $0.text(0), boot: try $0.text(1)) }
        }
    }

    /// All workers that ever registered, by name.
    public func workers() throws -> [WorkerStatus] {
        try read { try Self.workers($0) }
    }

    static func workers(_ connection: Connection) throws -> [WorkerStatus] {
        try connection.execute(
            """
            SELECT name, w.boot, w.state, slots, centres, setup, address, version,
                extract(epoch FROM now() - seen_at)::float8,
                ARRAY(SELECT stage || ' ' || key FROM shard s WHERE s.state = 'leased' AND s.worker = w.name ORDER BY s.id),
                troubles
            FROM worker w JOIN worker_heartbeat h ON h.worker = name ORDER BY name
            """
        ).map { row in
            WorkerStatus(
                name: try row.text(0), boot: try row.text(1), state: WorkerStatus.State(rawValue: try row.text(2)) ?? .lost,
                slots: try row.int32(3), centres: try row.texts(4), setup: try row.text(5), address: try row.text(6),
                version: try row.text(7), heartbeatAge: try row.double(8), shards: try row.texts(9),
                troubles: try JSONDecoder().decode([WorkerTrouble].self, from: row.data(10)))
        }
    }
}
