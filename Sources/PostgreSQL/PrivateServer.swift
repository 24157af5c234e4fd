import Foundation

/// A PostgreSQL server of one's own in a state folder: a Unix socket that only its user reaches, no TCP.
///
/// PostgreSQL refuses to run as root. Started by root, the server runs as `postgres`, or as `$ENDOKED_POSTGRES_USER`,
/// which must be able to reach the state folder. A server that an earlier, killed program left running in the same
/// folder is taken over, not started twice.
public final class PrivateServer: Sendable {
    /// Where everything of the server lies: `data`, `server.log`, and the socket when its path is short enough.
    public let folder: URL
    private let installation: ServerInstallation
    private let account: ServerAccount

    /// Finds the server's programs and its user; writes nothing.
    ///
    /// - Parameters:
    ///   - stateFolder: the server's files go to `postgres` within it.
    ///   - environment: `ENDOKED_POSTGRES_BIN` names the folder of initdb and pg_ctl, `ENDOKED_POSTGRES_USER` the user.
    /// - Throws: `.notInstalled`, or `.privateServer` when the user does not exist.
    public init(
        stateFolder: URL, environment: [String: String] = ProcessInfo.processInfo.environment
    ) throws {
        folder = stateFolder.standardizedFileURL.appendingPathComponent("postgres", isDirectory: true)
        installation = try ServerInstallation.find(environment: environment)
        account = try ServerAccount.current(environment: environment)
    }

    private var data: URL { folder.appendingPathComponent("data", isDirectory: true) }
    private var log: URL { folder.appendingPathComponent("server.log") }
    private var running: RunningServer? { RunningServer(dataFolder: data) }

    /// Whether the server of this folder runs now, whoever started it.
    public var isRunning: Bool { running != nil }

    /// The number of the server's first process, while it runs.
    public var process: Int32? { running?.process }

    /// What clients connect with, once it is started.
    public var connectionString: String {
        get throws {
            "host=\(Self.quoted(try socketFolder().path)) port=\(Self.port) user=\(Self.role) dbname=\(Self.database)"
        }
    }

    /// Makes the server's files at the first time, starts it unless it runs, and makes sure of its database.
    ///
    /// - Returns: the connection string.
    @discardableResult
    public func start() throws -> String {
        try prepareFolders()
        let lock = try FolderLock(folder.appendingPathComponent("lock"))
        defer { lock.release() }
        if !FileManager.default.fileExists(atPath: data.appendingPathComponent("PG_VERSION").path) { try initialise() }
        try checkVersion()
        if running == nil {
            try removeStaleLock()
            try writeSettings()
            try launch()
        }
        let string = try connectionString
        try createDatabase()
        return string
    }

    /// Stops the server: open transactions are rolled back, everything committed is on disk. Does nothing when it does
    /// not run.
    public func stop() throws {
        guard running != nil else { return }
        let outcome = try account.run(
            installation.program("pg_ctl"), ["stop", "-D", data.path, "-m", "fast", "-w", "-t", "60"])
        guard outcome.status == 0 || running == nil else {
            throw PostgreSQLError(
                .privateServer, "the server in \(data.path) did not stop: \(outcome.output); see \(log.path)")
        }
    }

    // MARK: Starting

    /// The socket's number in its folder; no TCP port is opened.
    private static let port = 5432
    /// The server's only role, and its database.
    private static let role = "endoked"
    private static let database = "endoked"

    private func prepareFolders() throws {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try account.own(folder)
        guard account.canReach(folder) else {
            throw PostgreSQLError(
                .privateServer,
                "user “\(account.name)”, as whom PostgreSQL runs, cannot reach \(folder.path): choose a state folder outside private folders, or name another user in ENDOKED_POSTGRES_USER")
        }
        try account.makePrivate(try socketFolder())
    }

    /// A socket's path has at most 107 bytes. When the state folder is too deep the socket goes to a folder under
    /// /tmp whose name follows from the state folder's.
    private func socketFolder() throws -> URL {
        let beside = folder.appendingPathComponent("socket", isDirectory: true)
        if beside.path.utf8.count + "/.s.PGSQL.5432.lock".utf8.count <= 107 { return beside }
        // FNV-1a; a collision would meet a folder that another server's lock file guards.
        let hash = folder.path.utf8.reduce(14_695_981_039_346_656_037 as UInt64) { ($0 ^ UInt64($1)) &* 1_099_511_628_211 }
        return URL(fileURLWithPath: "/tmp/endoked-\(String(hash, radix: 36))", isDirectory: true)
    }

    /// initdb works in a folder beside, which gets its name only when complete: an interrupted one is begun again.
    private func initialise() throws {
        let unfinished = folder.appendingPathComponent("data.unfinished", isDirectory: true)
        try? FileManager.default.removeItem(at: unfinished)
        let outcome = try account.run(
            installation.program("initdb"),
            [
                "-D", unfinished.path, "-U", Self.role, "--encoding=UTF8", "--locale=C", "--auth-local=peer",
                "--auth-host=reject", "--data-checksums", "--no-instructions",
            ])
        guard outcome.status == 0 else {
            throw PostgreSQLError(.privateServer, "initdb failed in \(folder.path): \(outcome.output)")
        }
        do {
            try FileManager.default.moveItem(at: unfinished, to: data)
        } catch {
            throw PostgreSQLError(.privateServer, "\(unfinished.path) cannot be renamed to \(data.path): \(error)")
        }
    }

    private func checkVersion() throws {
        let file = data.appendingPathComponent("PG_VERSION")
        let version = (try? String(contentsOf: file, encoding: .utf8))?.trimmingCharacters(in: .whitespacesAndNewlines)
        guard version == String(installation.majorVersion) else {
            throw PostgreSQLError(
                .privateServer,
                "\(data.path) was made by PostgreSQL \(version ?? "?"), installed is \(installation.majorVersion): install that version, or use another state folder")
        }
    }

    /// Who may be whom (the socket's folder lets nobody else in), and the settings; written anew at every start,
    /// since the folder may have moved.
    private func writeSettings() throws {
        let socket = try socketFolder().path
        try write(
            """
            listen_addresses = ''
            unix_socket_directories = '\(Self.quotedSetting(socket))'
            unix_socket_permissions = 0700
            port = \(Self.port)
            max_connections = 64
            shared_buffers = 256MB
            max_wal_size = 512MB
            wal_compression = on
            fsync = on
            synchronous_commit = on
            max_parallel_workers_per_gather = 0
            jit = off
            autovacuum_naptime = 10s
            timezone = 'UTC'
            log_timezone = 'UTC'
            lc_messages = 'C'
            # Rows and parameters hold results of patients: no statement and no value goes to the log.
            log_error_verbosity = terse
            log_min_error_statement = panic
            log_parameter_max_length_on_error = 0
            """, to: "postgresql.auto.conf")
        try write("local all all peer map=endoked\n", to: "pg_hba.conf")
        let users = Set([account.name, ServerAccount.callingUser].compactMap { $0 }).sorted()
        try write(
            users.map { "endoked \"\($0)\" \(Self.role)" }.joined(separator: "\n") + "\n", to: "pg_ident.conf")
    }

    private func write(_ text: String, to name: String) throws {
        let file = data.appendingPathComponent(name)
        do {
            try Data(text.utf8).write(to: file, options: .atomic)
        } catch {
            throw PostgreSQLError(.privateServer, "\(file.path) cannot be written: \(error.localizedDescription)")
        }
        try account.own(file)
    }

    /// After a crash the lock file names a process that is gone, or, in a container, one that is something else:
    /// PostgreSQL itself would refuse to start for the latter.
    private func removeStaleLock() throws {
        let socket = try socketFolder()
        for file in [
            data.appendingPathComponent("postmaster.pid"), socket.appendingPathComponent(".s.PGSQL.\(Self.port).lock"),
            socket.appendingPathComponent(".s.PGSQL.\(Self.port)"),
        ] {
            try? FileManager.default.removeItem(at: file)
        }
    }

    private func launch() throws {
        if !FileManager.default.fileExists(atPath: log.path) {
            _ = FileManager.default.createFile(atPath: log.path, contents: nil, attributes: [.posixPermissions: 0o600])
        }
        try account.own(log)
        let outcome = try account.run(
            installation.program("pg_ctl"), ["start", "-D", data.path, "-l", log.path, "-w", "-t", "60"])
        guard outcome.status == 0 else {
            let tail = (try? String(contentsOf: log, encoding: .utf8))?.split(separator: "\n").suffix(5)
                .joined(separator: "\n")
            throw PostgreSQLError(
                .privateServer, "the server in \(data.path) did not start: \(tail ?? outcome.output); see \(log.path)")
        }
    }

    private func createDatabase() throws {
        let maintenance = "host=\(Self.quoted(try socketFolder().path)) port=\(Self.port) user=\(Self.role) dbname=postgres"
        let connection = try Connection(connectionString: maintenance)
        let known = try connection.execute("SELECT 1 FROM pg_database WHERE datname = 'endoked'")
        if known.isEmpty { try connection.execute("CREATE DATABASE endoked") }
    }

    /// A value in a key-value connection string.
    private static func quoted(_ value: String) -> String {
        "'" + value.replacing("\\", with: "\\\\").replacing("'", with: "\\'") + "'"
    }

    /// A value in postgresql.conf, whose list of folders is split at commas and quoted again.
    private static func quotedSetting(_ value: String) -> String {
        ("\"" + value.replacing("\"", with: "\"\"") + "\"").replacing("'", with: "''")
    }
}
