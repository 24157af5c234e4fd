import Digest
import Foundation
import PostgreSQL

extension Ledger {
    /// Brings the database's schema to this program's version: each missing step in a transaction of its own, under an
    /// advisory lock so that two programs may try at once. Does nothing when it is there already.
    ///
    /// - Throws: `.schemaTooNew` when the database knows more steps than this program; `.schemaChanged` when an
    ///   applied step is not the one that this program carries.
    public func migrate() throws {
        try migrate(to: Migration.all)
    }

    /// Brings the schema forward to the last of `migrations`: for tests of earlier ones.
    package func migrate(to migrations: [Migration]) throws {
        try withWritingConnection { connection in
            // One at a time, over all programs; the number is arbitrary but fixed.
            try connection.execute("SELECT pg_advisory_lock(7110651200045)")
            defer { _ = try? connection.execute("SELECT pg_advisory_unlock(7110651200045)") }
            try connection.executeScript(
                """
                CREATE TABLE IF NOT EXISTS schema_migration (
                    number integer PRIMARY KEY, name text NOT NULL, checksum bytea NOT NULL,
                    applied_at timestamptz NOT NULL DEFAULT now())
                """)
            let applied = try connection.execute("SELECT number, name, checksum FROM schema_migration ORDER BY number")
                .map { (number: try $0.int32(0), name: try $0.text(1), checksum: try $0.bytes(2)) }
            for row in applied {
                guard let known = migrations.first(where: { $0.number == row.number }) else {
                    throw LedgerError(
                        .schemaTooNew,
                        "the database's schema is at step \(row.number) (\(row.name)), this program knows \(migrations.last?.number ?? 0): use the newer program"
                    )
                }
                guard known.checksum.bytes == row.checksum else {
                    throw LedgerError(
                        .schemaChanged,
                        "step \(row.number) (\(row.name)) of the database's schema is not the one of this program: use the program that made it, or a new database"
                    )
                }
            }
            let last = applied.last?.number ?? 0
            for migration in migrations where migration.number > last {
                try connection.transaction {
                    try connection.executeScript(migration.script)
                    try connection.execute(
                        "INSERT INTO schema_migration (number, name, checksum) VALUES ($1, $2, $3)",
                        [.int4(migration.number), .text(migration.name), .bytea(migration.checksum.bytes)])
                }
            }
        }
    }
}
