import Ledger
import PostgreSQL
import Testing

/// Which errors of PostgreSQL are the work's own, and which are its surroundings'.
@Suite struct CauseTests {
    /// Raises each SQLSTATE as a statement would, through the ledger.
    private func cause(_ sqlState: String) throws -> LedgerError.Cause? {
        let test = try Self.shared.get()
        try test.direct().executeScript(
            """
            CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                RAISE EXCEPTION 'refused' USING ERRCODE = '\(sqlState)'; END $$;
            DROP TRIGGER IF EXISTS refusing ON event;
            CREATE TRIGGER refusing BEFORE INSERT ON event FOR EACH ROW EXECUTE FUNCTION refuse();
            """)
        do {
            try test.ledger.recordEvent(job: nil, kind: "test", message: "")
            return nil
        } catch let error as LedgerError {
            return error.cause
        }
    }
    private static let shared = Result { try TestLedger() }

    @Test func surroundingsAreToldFromTheWorksOwn() throws {
        // Disk, memory, limits, I/O, cancelled, locks, shutdown, read-only, rights, a server's own trouble.
        let surroundings = [
            "53000", "53100", "53200", "53300", "53400", "58000", "58030", "57014", "57P01", "57P03", "55P03", "55006",
            "40001", "40P01", "25006", "25P03", "42501", "08006", "XX000",
        ]
        for state in surroundings { #expect(try cause(state) == .surroundings, "\(state)") }
        // Values and statements that stay wrong.
        for state in ["23505", "23514", "23503", "22021", "22P02", "22003", "54000", "42601", "21000", "0A000"] {
            #expect(try cause(state) == .values, "\(state)")
        }
    }

    @Test func aLostLeadershipIsNeither() throws {
        #expect(LedgerError(.notLeader, "").cause == .leadership)
        #expect(LedgerError(.schemaMissing, "").cause == .leadership)
        #expect(LedgerError(.missingBlob, "").cause == .values)
    }
}
