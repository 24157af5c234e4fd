import Foundation
import PostgreSQL

/// What tells a centre's archive from another, and what keeps workers from work.
extension Ledger {
    /// Keeps what a job's centres are recognised by.
    public func setFingerprints(job: JobID, _ fingerprints: [String: Data]) throws {
        let sorted = fingerprints.sorted { $0.key < $1.key }
        try lead { connection, _ in
            _ = try connection.execute(
                """
                INSERT INTO centre (job, name, fingerprint) SELECT $1, * FROM unnest($2, $3)
                ON CONFLICT (job, name) DO UPDATE SET fingerprint = excluded.fingerprint
                """,
                [.int8(job.rawValue), .texts(sorted.map(\.key)), .byteas(sorted.map { [UInt8]($0.value) })])
        }
    }

    /// What a centre of a job is recognised by; nil before the job's catalogue.
    public func fingerprint(job: JobID, centre: String) throws -> Data? {
        try read { connection in
            try connection.execute(
                "SELECT fingerprint FROM centre WHERE job = $1 AND name = $2", [.int8(job.rawValue), .text(centre)]
            ).first?.optionalBytes(0).map { Data($0) }
        }
    }

    /// What keeps a worker from work, for status.
    ///
    /// - Parameter troubles: all of them, each with its age in seconds.
    public func setTroubles(_ troubles: [(trouble: WorkerTrouble, age: Double)], of worker: WorkerIncarnation) throws {
        try lead { connection, _ in
            let now = try connection.execute("SELECT extract(epoch FROM now())::float8").first?.double(0) ?? 0
            let dated = troubles.map { entry in
                var trouble = entry.trouble
                trouble.since = now - entry.age
                return trouble
            }
            _ = try connection.execute(
                "UPDATE worker SET troubles = $3 WHERE name = $1 AND boot = $2",
                [.text(worker.name), .text(worker.boot), .json(try JSONEncoder().encode(dated))])
        }
    }
}

/// A centre of one job.
public struct JobCentre: Hashable, Sendable {
    public var job: JobID
    public var centre: String

    public init(job: JobID, centre: String) {
        self.job = job
        self.centre = centre
    }
}

/// A stage of one job.
public struct StageOfJob: Hashable, Sendable {
    public var job: JobID
    public var stage: String

    public init(job: JobID, stage: String) {
        self.job = job
        self.stage = stage
    }
}
