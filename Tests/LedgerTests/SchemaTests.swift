import Foundation
import Ledger
import PostgreSQL
import Testing

@Suite struct SchemaTests {
    /// A ledger of the present schema, and a connection past it.
    private func migrated() throws -> (ledger: Ledger, connection: Connection) {
        let string = try TestServer.newDatabase()
        let ledger = Ledger(connectionString: string)
        try ledger.migrate()
        return (ledger, try Connection(connectionString: string))
    }

    @Test func migratesOnceHoweverManyTry() throws {
        let string = try TestServer.newDatabase()
        _ = try onThreads(3) { _ in try Ledger(connectionString: string).migrate() }
        let rows = try Connection(connectionString: string).execute("SELECT number, name FROM schema_migration ORDER BY number")
        #expect(try rows.map { try $0.text(1) } == Migration.all.map(\.name))
    }

    @Test func anEarlierSchemaIsBroughtForwardWithItsJobs() throws {
        let string = try TestServer.newDatabase()
        let ledger = Ledger(connectionString: string)
        // As a program left it that knew the first step only.
        try ledger.migrate(to: Array(Migration.all.prefix(1)))
        let connection = try Connection(connectionString: string)
        try connection.execute("INSERT INTO job (pipeline, seed, archive) VALUES ('{}', 1, 'old')")
        try connection.execute("INSERT INTO stage (job, name, ordinal) SELECT id, 'train', 1 FROM job")
        try ledger.migrate()
        let job = try #require(try ledger.activeJobs().first)
        #expect(job.archive == "old" && job.stages.map(\.rounds) == [1])
        // A step's name was what it ran.
        #expect(job.stages.map(\.kind) == ["train"])
    }

    /// Bare digests of patients, as earlier programs wrote them, are opened by trying all patients.
    @Test func patientsOfEarlierProgramsLoseTheirDigests() throws {
        let string = try TestServer.newDatabase()
        let ledger = Ledger(connectionString: string)
        try ledger.migrate(to: Array(Migration.all.prefix(4)))
        let connection = try Connection(connectionString: string)
        try connection.execute("INSERT INTO job (pipeline, seed, archive) VALUES ('{}', 1, 'old')")
        try connection.execute("INSERT INTO centre SELECT id, name FROM job, unnest(ARRAY['a', 'b']) name")
        try connection.execute(
            """
            INSERT INTO study (job, centre, study, patient, split, language, has_report)
            SELECT id, centre, centre || n, encode(sha256(convert_to((n / 2)::text, 'UTF8')), 'hex'), 'train', '', true
            FROM job, unnest(ARRAY['a', 'b']) centre, generate_series(0, 5) n
            """)
        try ledger.migrate()
        let rows = try ledger.studies(job: try #require(try ledger.activeJobs().first).id)
        #expect(rows.count == 12 && rows.allSatisfy { $0.patient.utf8.count < 12 })
        for centre in ["a", "b"] {
            let patients = rows.filter { $0.centre == centre }.map(\.patient)
            #expect(patients.count == 6 && Set(patients).count == 3, "three patients with two studies each")
            #expect(stride(from: 0, to: 6, by: 2).allSatisfy { patients[$0] == patients[$0 + 1] })
        }
    }

    @Test func refusesANewerSchema() throws {
        let (ledger, connection) = try migrated()
        try connection.execute("INSERT INTO schema_migration (number, name, checksum) VALUES (9999, 'future', '\\x00')")
        #expect(ledgerErrorCode { try ledger.migrate() } == .schemaTooNew)
    }

    @Test func refusesAChangedStep() throws {
        let (ledger, connection) = try migrated()
        try connection.execute("UPDATE schema_migration SET checksum = '\\x00' WHERE number = 1")
        #expect(ledgerErrorCode { try ledger.migrate() } == .schemaChanged)
    }

    @Test func saysThatADatabaseHoldsNoLedger() throws {
        let ledger = Ledger(connectionString: try TestServer.newDatabase())
        #expect(ledgerErrorCode { _ = try ledger.status() } == .schemaMissing)
    }

    @Test func unreachableDatabaseIsTransient() throws {
        let ledger = Ledger(connectionString: "host=/nowhere/at/all dbname=x")
        #expect(ledgerErrorCode { try ledger.migrate() } == .unavailable)
        let began = ContinuousClock.now
        #expect(ledgerErrorCode { try ledger.persist(for: .milliseconds(300)) { try $0.migrate() } } == .unavailable)
        #expect(ContinuousClock.now - began >= .milliseconds(300))
    }
}
