import Foundation
import PostgreSQL
import Testing

@Suite struct ConnectionTests {
    @Test func valuesComeBackAsTheyWent() throws {
        let connection = try TestServer.connect()
        let row = try #require(
            try connection.execute(
                "SELECT $1::int8, $2::int4, $3::float8, $4::text, $5::bool, $6::bytea, $7::json",
                [
                    .int8(.min), .int4(-7), .float8(-0.1), .text("Polyp 息肉 \u{1F52C}"), .bool(true),
                    .bytea([0, 255, 1] as [UInt8]), .json(Data(#"{"b": 1.50, "a":2}"#.utf8)),
                ]
            ).first)
        #expect(try row.int64(0) == .min)
        #expect(try row.int32(1) == -7)
        #expect(try row.double(2) == -0.1)
        #expect(try row.text(3) == "Polyp 息肉 \u{1F52C}")
        #expect(try row.bool(4))
        #expect(try row.bytes(5) == [0, 255, 1])
        #expect(try row.data(6) == Data(#"{"b": 1.50, "a":2}"#.utf8), "json keeps its bytes")
    }

    @Test func emptyIsNotNull() throws {
        let connection = try TestServer.connect()
        let row = try #require(
            try connection.execute(
                "SELECT $1::text, $2::bytea, $3::text, $4::bytea, $5::int8",
                [.text(""), .bytea([UInt8]()), .text(nil), .bytea(nil as [UInt8]?), .int8(nil)]
            ).first)
        #expect(try row.optionalText(0) == "")
        #expect(try row.optionalBytes(1) == [])
        #expect(try row.optionalText(2) == nil)
        #expect(try row.optionalBytes(3) == nil)
        #expect(try row.optionalInt64(4) == nil)
        #expect(postgreSQLError { _ = try row.int64(4) }?.code == .unexpectedValue)
    }

    @Test func arraysUnfold() throws {
        let connection = try TestServer.connect()
        let rows = try connection.execute(
            "SELECT * FROM unnest($1::int8[], $2::text[], $3::float8[], $4::bytea[], $5::bool[], $6::int4[], $7::json[])",
            [
                .int8s([1, 2]), .texts(["a,\"b\"{}", nil]), .float8s([nil, 2.5]), .byteas([[], [9]]),
                .bools([true, false]), .int4s([-1, 1]), .jsons([Data("1".utf8), Data("[]".utf8)]),
            ])
        #expect(rows.count == 2)
        #expect(try rows[0].text(1) == "a,\"b\"{}")
        #expect(try rows[1].optionalText(1) == nil)
        #expect(try rows[0].optionalDouble(2) == nil)
        #expect(try rows[1].double(2) == 2.5)
        #expect(try rows[1].bytes(3) == [9])
        #expect(try !rows[1].bool(4))
        #expect(try rows[1].data(6) == Data("[]".utf8))
        #expect(try connection.execute("SELECT unnest($1::int8[])", [.int8s([])]).isEmpty)
        let back = try #require(
            try connection.execute("SELECT $1::text[], $2::bytea[]", [.texts(["x", ""]), .byteas([[1, 2], []])]).first)
        #expect(try back.texts(0) == ["x", ""])
        #expect(try back.byteas(1) == [[1, 2], []])
    }

    @Test func columnsAreCheckedForTheirType() throws {
        let row = try #require(try TestServer.connect().execute("SELECT 1::int4").first)
        #expect(postgreSQLError { _ = try row.int64(0) }?.code == .unexpectedValue)
        #expect(postgreSQLError { _ = try row.int32(1) }?.code == .unexpectedValue)
    }

    @Test func errorsTellWhatTheyAre() throws {
        let connection = try TestServer.connect()
        try connection.executeScript(
            """
            CREATE TEMPORARY TABLE parent (id int8 PRIMARY KEY);
            CREATE TEMPORARY TABLE child (id int8 PRIMARY KEY, n int8 CHECK (n > 0), p int8 REFERENCES parent);
            """)
        try connection.execute("INSERT INTO child VALUES (1, 1, NULL)")
        let unique = postgreSQLError { try connection.execute("INSERT INTO child VALUES (1, 4711, NULL)") }
        #expect(unique?.code == .uniqueViolation)
        #expect(unique?.constraint == "child_pkey")
        #expect(unique?.sqlState == "23505")
        let check = postgreSQLError { try connection.execute("INSERT INTO child VALUES ($1, $2, NULL)", [.int8(2), .int8(-4711)]) }
        #expect(check?.code == .constraintViolation)
        #expect(check.map { !$0.description.contains("4711") } == true, "a row's values stay out of messages")
        #expect(postgreSQLError { try connection.execute("INSERT INTO child VALUES (2, 1, 9)") }?.code == .foreignKeyViolation)
        #expect(postgreSQLError { try connection.execute("SELECT $1::json", [.json(Data("{".utf8))]) }?.code == .invalidValue)
        #expect(postgreSQLError { try connection.execute("SELECT $1::text", [.text("a\0b")]) }?.code == .invalidValue)
        #expect(postgreSQLError { try connection.execute("SELECT * FROM nowhere_at_all") }?.code == .undefinedObject)
        #expect(try connection.execute("SELECT 1").count == 1, "an error leaves the connection usable")
    }

    @Test func transactionsRollBackWhole() throws {
        let connection = try TestServer.connect()
        try connection.executeScript("CREATE TEMPORARY TABLE kept (n int8 PRIMARY KEY)")
        struct Stop: Error {}
        #expect(throws: Stop.self) {
            try connection.transaction {
                try connection.execute("INSERT INTO kept VALUES (1)")
                throw Stop()
            }
        }
        try connection.transaction {
            try connection.execute("INSERT INTO kept VALUES (2)")
            #expect(
                postgreSQLError { try connection.savepoint { _ = try connection.execute("INSERT INTO kept VALUES (3), (2)") } }?.code
                    == .uniqueViolation)
            try connection.execute("INSERT INTO kept VALUES (4)")
        }
        let kept = try connection.execute("SELECT n FROM kept ORDER BY n").map { try $0.int64(0) }
        #expect(kept == [2, 4])
        #expect(postgreSQLError { try connection.transaction { try connection.transaction {} } }?.code == .misuse)
    }

    @Test func waitingHasLimits() throws {
        var limits = Connection.Limits()
        limits.statement = .milliseconds(50)
        let connection = try TestServer.connect(limits: limits)
        #expect(postgreSQLError { try connection.execute("SELECT pg_sleep(5)") }?.code == .statementTimeout)
    }

    @Test func readersCannotWrite() throws {
        let connection = try TestServer.connect(isReadOnly: true)
        #expect(postgreSQLError { try connection.executeScript("CREATE TABLE written (n int8)") }?.code == .readOnly)
    }

    @Test func wrongPasswordAndWrongDatabaseAreToldApart() throws {
        let server = try TestServer.shared.get()
        let connection = try TestServer.connect()
        try connection.executeScript("CREATE ROLE guarded LOGIN PASSWORD 'right-secret'")
        let rules = server.folder.appendingPathComponent("data/pg_hba.conf")
        let before = try String(contentsOf: rules, encoding: .utf8)
        let file = try FileHandle(forWritingTo: rules)
        try file.write(contentsOf: Data(("local all guarded scram-sha-256\n" + before).utf8))
        try file.close()
        try connection.execute("SELECT pg_reload_conf()")
        let base = try server.connectionString.replacing("user=endoked", with: "user=guarded")
        // The postmaster reads its rules when the signal reaches it: ask until it did.
        var wrong = postgreSQLError { _ = try Connection(connectionString: base + " password=wrong-secret") }
        for _ in 0..<100 where wrong?.sqlState != "28P01" {
            Thread.sleep(forTimeInterval: 0.02)
            wrong = postgreSQLError { _ = try Connection(connectionString: base + " password=wrong-secret") }
        }
        #expect(wrong?.code == .authenticationFailed)
        #expect(wrong?.sqlState == "28P01")
        #expect(wrong.map { !"\($0)".contains("wrong-secret") } == true)
        #expect(postgreSQLError { _ = try Connection(connectionString: base) }?.code == .authenticationFailed, "no password at all")
        _ = try Connection(connectionString: base + " password=right-secret")
        let unknown = postgreSQLError {
            _ = try Connection(connectionString: server.connectionString.replacing("dbname=endoked", with: "dbname=absent"))
        }
        #expect(unknown?.code == .unknownDatabase)
        #expect(unknown?.isTransient == false)
    }

    @Test func absentServerIsUnreachable() throws {
        let error = postgreSQLError { _ = try Connection(connectionString: "host=/nowhere/at/all dbname=x") }
        #expect(error?.code == .unreachable)
        #expect(error?.isTransient == true)
        let refused = postgreSQLError { _ = try Connection(connectionString: "postgresql://a:top-secret@127.0.0.1:1/x") }
        #expect(refused?.code == .unreachable)
        #expect(refused.map { !"\($0)".contains("top-secret") } == true)
    }

    @Test func brokenConnectionStringKeepsItsPassword() {
        let error = postgreSQLError { _ = try Connection(connectionString: "host=somewhere password=se cret") }
        #expect(error?.code == .invalidConnectionString)
        #expect(error.map { !"\($0)".contains("cret") } == true)
    }

    @Test func sessionComesBackAfterItWasEnded() throws {
        let session = Session(connectionString: try TestServer.shared.get().connectionString, applicationName: "test")
        let process = try session.live().backendProcess
        try TestServer.connect().execute("SELECT pg_terminate_backend($1)", [.int4(process)])
        var codes = [PostgreSQLError.Code]()
        for _ in 0..<50 {
            if let error = postgreSQLError({ try session.live().execute("SELECT 1") }) {
                codes.append(error.code)
                #expect(error.isTransient)
            } else if try session.live().backendProcess != process {
                break
            }
            Thread.sleep(forTimeInterval: 0.02)
        }
        #expect(!codes.isEmpty)
        #expect(try session.live().backendProcess != process)
    }
}
