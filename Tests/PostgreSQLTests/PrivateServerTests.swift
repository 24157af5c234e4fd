import Foundation
import PostgreSQL
import Synchronization
import Testing

@Suite(.serialized) struct PrivateServerTests {
    private let folder = URL(fileURLWithPath: "/tmp/endoked-private-\(UUID().uuidString.prefix(8))")

    private func cleaned(_ server: PrivateServer, _ body: () throws -> Void) throws {
        defer {
            try? server.stop()
            try? FileManager.default.removeItem(at: folder)
        }
        try body()
    }

    @Test func survivesWhatProgramsAndProcessesDo() throws {
        let server = try PrivateServer(stateFolder: folder)
        try cleaned(server) {
            let began = ContinuousClock.now
            let string = try server.start()
            let first = ContinuousClock.now - began
            print("private server: made and started in \(first)")
            #expect(first < .seconds(30))
            try Connection(connectionString: string).executeScript("CREATE TABLE kept AS SELECT 1::int8 AS n")

            // A second program finds it running.
            let process = try #require(server.process)
            let second = try PrivateServer(stateFolder: folder)
            #expect(try second.start() == string)
            #expect(second.process == process)

            // Killed like a crash: the lock file stays, and its process number is somebody else's by now.
            kill(process, SIGKILL)
            while server.isRunning { Thread.sleep(forTimeInterval: 0.02) }
            let lock = server.folder.appendingPathComponent("data/postmaster.pid")
            var lines = try String(contentsOf: lock, encoding: .utf8).components(separatedBy: "\n")
            lines[0] = String(getpid())
            let handle = try FileHandle(forWritingTo: lock)
            try handle.truncate(atOffset: 0)
            try handle.write(contentsOf: Data(lines.joined(separator: "\n").utf8))
            try handle.close()
            #expect(!server.isRunning, "our own process is no server")
            let again = ContinuousClock.now
            #expect(try server.start() == string)
            print("private server: started after a crash in \(ContinuousClock.now - again)")
            #expect(try Connection(connectionString: string).execute("SELECT n FROM kept").count == 1)

            try server.stop()
            #expect(!server.isRunning)
            #expect(postgreSQLError { _ = try Connection(connectionString: string) }?.code == .unreachable)
            try server.stop()
        }
    }

    @Test func opensNoPortAndLogsNoValue() throws {
        let server = try TestServer.shared.get()
        let connection = try TestServer.connect()
        #expect(try connection.execute("SELECT current_setting('listen_addresses')").first?.text(0) == "")
        for (setting, value) in [("fsync", "on"), ("synchronous_commit", "on"), ("max_wal_size", "512MB")] {
            let row = try connection.execute("SELECT current_setting($1)", [.text(setting)]).first
            #expect(try row?.text(0) == value)
        }
        _ = postgreSQLError { try connection.execute("SELECT $1::text::int8", [.text("Mrs Example")]) }
        _ = postgreSQLError { try connection.execute("SELECT $1::json", [.json(Data("Mrs Example".utf8))]) }
        let log = try String(contentsOf: server.folder.appendingPathComponent("server.log"), encoding: .utf8)
        #expect(!log.contains("CONTEXT") && !log.contains("STATEMENT"))
        let attributes = try FileManager.default.attributesOfItem(
            atPath: server.folder.appendingPathComponent("socket").path)
        #expect(attributes[.posixPermissions] as? Int == 0o700)
    }

    @Test func deepStateFolderGetsAShortSocket() throws {
        let deep = folder.appendingPathComponent(String(repeating: "d", count: 100), isDirectory: true)
        let server = try PrivateServer(stateFolder: deep)
        try cleaned(server) {
            let string = try server.start()
            #expect(string.contains("host='/tmp/endoked-"))
            #expect(try Connection(connectionString: string).execute("SELECT 1").count == 1)
            try server.stop()
            let socket = try #require(string.firstMatch(of: /host='([^']*)'/)).1
            try FileManager.default.removeItem(atPath: String(socket))
        }
    }

    /// libpq cuts a host at commas, postgresql.conf a list of folders; quotes, backslashes and dollars mean something to both or
    /// to a shell.
    @Test(arguments: ["a, b", "it's \"quoted\" $(x) back\\slash equals=1&x=2 Größe 100%20"])
    func oddFolderNames(name: String) throws {
        let server = try PrivateServer(stateFolder: folder.appendingPathComponent(name, isDirectory: true))
        try cleaned(server) {
            let string = try server.start()
            #expect(try Connection(connectionString: string).execute("SELECT 1").count == 1)
        }
    }

    @Test func serverThatDiesWhileServedIsStartedAgainAndEndsWithUs() throws {
        let server = try PrivateServer(stateFolder: folder)
        try cleaned(server) {
            let isOver = Mutex(false)
            let ready = Mutex<[Int32]>([])
            let failure = Mutex<String?>(nil)
            let ended = DispatchSemaphore(value: 0)
            Thread.detachNewThread {
                do {
                    try server.serve(until: { isOver.withLock { $0 } ? .ordered : nil }) { event in
                        if case .ready(let process) = event { ready.withLock { $0.append(process) } }
                    }
                } catch { failure.withLock { $0 = "\(error)" } }
                ended.signal()
            }
            func wait(for count: Int) throws -> Int32 {
                let deadline = Date().addingTimeInterval(60)
                while ready.withLock({ $0.count }) < count, Date() < deadline { usleep(20_000) }
                return try #require(ready.withLock { $0.count >= count ? $0[count - 1] : nil }, "\(failure.withLock { $0 ?? "" })")
            }
            let first = try wait(for: 1)
            try server.makeDatabase()
            try Connection(connectionString: server.connectionString).executeScript("CREATE TABLE kept AS SELECT 1 AS n")
            kill(first, SIGKILL)
            let second = try wait(for: 2)
            #expect(second != first)
            #expect(try Connection(connectionString: server.connectionString).execute("SELECT n FROM kept").count == 1)
            isOver.withLock { $0 = true }
            #expect(ended.wait(timeout: .now() + 60) == .success)
            #expect(!server.isRunning && failure.withLock { $0 } == nil)
        }
    }

    /// A program that is there and cannot be run is not missing.
    @Test func aTemporaryFolderThatIsMissingIsInNobodysWay() throws {
        let before = getenv("TMPDIR").map { String(cString: $0) }
        setenv("TMPDIR", "/no/such/folder", 1)
        defer { if let before { setenv("TMPDIR", before, 1) } else { unsetenv("TMPDIR") } }
        _ = try PrivateServer(stateFolder: folder)
    }

    @Test func whatCannotBeRunIsNotMissing() throws {
        let programs = folder.appendingPathComponent("bin", isDirectory: true)
        try FileManager.default.createDirectory(at: programs, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        for name in ["initdb", "postgres"] {
            let file = programs.appendingPathComponent(name)
            try Data("no program".utf8).write(to: file)
            try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: file.path)
        }
        let error = postgreSQLError {
            _ = try PrivateServer(stateFolder: folder, environment: ["ENDOKED_POSTGRES_BIN": programs.path])
        }
        #expect(error?.code == .privateServer && error?.message.contains("cannot be run") == true)
    }

    @Test func saysWhatIsMissing() throws {
        let absent = postgreSQLError {
            _ = try PrivateServer(stateFolder: folder, environment: ["ENDOKED_POSTGRES_BIN": "/nowhere"])
        }
        #expect(absent?.code == .notInstalled)
        #expect(absent?.message.contains("/nowhere") == true)
    }

    @Test(.enabled(if: geteuid() == 0, "only root runs the server as somebody else"))
    func refusesRootAndUnreachableFolders() throws {
        let nobody = postgreSQLError {
            _ = try PrivateServer(stateFolder: folder, environment: ["ENDOKED_POSTGRES_USER": "no-such-user"])
        }
        #expect(nobody?.code == .privateServer)
        let locked = folder.appendingPathComponent("locked")
        try FileManager.default.createDirectory(
            at: locked, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        defer { try? FileManager.default.removeItem(at: folder) }
        let unreachable = postgreSQLError { _ = try PrivateServer(stateFolder: locked).start() }
        #expect(unreachable?.code == .privateServer)
        #expect(unreachable?.message.contains("cannot reach") == true)
    }
}
