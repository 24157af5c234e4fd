import Foundation

extension PrivateServer {
    /// Makes the server's files at the first time, and readies them for a start unless the server runs.
    /// - Throws: `.privateServer`, which says what is in the way.
    public func prepare() throws { try prepared {} }

    /// Prepares, and does what belongs to it before another program may prepare the same folder.
    func prepared(_ body: () throws -> Void) throws {
        try prepareFolders()
        let lock = try FolderLock(folder.appendingPathComponent("lock"))
        defer { lock.release() }
        try prepareFiles()
        try body()
    }

    private func prepareFiles() throws {
        if !FileManager.default.fileExists(atPath: data.appendingPathComponent("PG_VERSION").path) { try initialise() }
        try checkVersion()
        try endOrphans()
        guard running == nil else { return }
        removeStaleLock(in: try socketFolder())
        try writeSettings()
        try prepareLog()
    }

    private func prepareLog() throws {
        if !FileManager.default.fileExists(atPath: log.path) {
            _ = FileManager.default.createFile(atPath: log.path, contents: nil, attributes: [.posixPermissions: 0o600])
        }
        try account.own(log)
    }

    private func prepareFolders() throws {
        do {
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        } catch {
            throw PostgreSQLError(.privateServer, "\(folder.path) cannot be made: \(error.localizedDescription)")
        }
        try account.own(folder)
        guard account.canReach(folder) else {
            throw PostgreSQLError(
                .privateServer,
                "user “\(account.name)”, as whom PostgreSQL runs, cannot reach \(folder.path): choose a state folder outside private folders, or name another user in ENDOKED_POSTGRES_USER"
            )
        }
        try account.makePrivate(try socketFolder())
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
            throw PostgreSQLError(.privateServer, "\(unfinished.path) cannot be renamed to \(data.path): \(error.localizedDescription)")
        }
    }

    private func checkVersion() throws {
        let file = data.appendingPathComponent("PG_VERSION")
        let version = (try? String(contentsOf: file, encoding: .utf8))?.trimmingCharacters(in: .whitespacesAndNewlines)
        guard version == String(installation.majorVersion) else {
            throw PostgreSQLError(
                .privateServer,
                "\(data.path) was made by PostgreSQL \(version ?? "?"), installed is \(installation.majorVersion): install that version, or use another state folder"
            )
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
    /// PostgreSQL itself would refuse to start for the latter. Its own protection against processes of the dead server
    /// that still write is in that file too, so none of them may be left (`endOrphans`).
    private func removeStaleLock(in socket: URL) {
        for file in [
            data.appendingPathComponent("postmaster.pid"), socket.appendingPathComponent(".s.PGSQL.\(Self.port).lock"),
            socket.appendingPathComponent(".s.PGSQL.\(Self.port)"),
        ] {
            try? FileManager.default.removeItem(at: file)
        }
    }

    /// A value in postgresql.conf, whose list of folders is split at commas and quoted again.
    private static func quotedSetting(_ value: String) -> String {
        ("\"" + value.replacing("\"", with: "\"\"") + "\"").replacing("\\", with: "\\\\").replacing("'", with: "''")
    }
}
