import Foundation

/// A PostgreSQL server of one's own in a state folder: a Unix socket that only its user reaches, no TCP.
///
/// PostgreSQL refuses to run as root. Started by root, the server runs as `postgres`, or as `$ENDOKED_POSTGRES_USER`,
/// which must be able to reach the state folder. A server that an earlier, killed program left running in the same
/// folder is taken over, not started twice; that no living program uses it is for the caller to know.
public final class PrivateServer: Sendable {
    /// Where everything of the server lies: `data`, `server.log`, and the socket when its path is short and plain.
    public let folder: URL
    let installation: ServerInstallation
    let account: ServerAccount

    /// Finds the server's programs and its user; writes nothing.
    ///
    /// - Parameters:
    ///   - stateFolder: the server's files go to `postgres` within it.
    ///   - environment: `ENDOKED_POSTGRES_BIN` names the folder of initdb and postgres, `ENDOKED_POSTGRES_USER` the user.
    /// - Throws: `.notInstalled`, or `.privateServer` when the user does not exist, or the programs cannot be run.
    public init(
        stateFolder: URL, environment: [String: String] = ProcessInfo.processInfo.environment
    ) throws {
        folder = Self.folder(in: stateFolder)
        installation = try ServerInstallation.find(environment: environment)
        account = try ServerAccount.current(environment: environment)
    }

    private static func folder(in stateFolder: URL) -> URL {
        stateFolder.standardizedFileURL.appendingPathComponent("postgres", isDirectory: true)
    }

    /// Whether a server was made in this state folder, running or not.
    public static func exists(inStateFolder folder: URL) -> Bool {
        FileManager.default.fileExists(atPath: Self.folder(in: folder).appendingPathComponent("data/PG_VERSION").path)
    }

    var data: URL { folder.appendingPathComponent("data", isDirectory: true) }
    var log: URL { folder.appendingPathComponent("server.log") }
    var running: RunningServer? { RunningServer(dataFolder: data) }

    /// Whether the server of this folder runs now, whoever started it.
    public var isRunning: Bool { running != nil }

    /// As whom the server runs.
    public var userName: String { account.name }

    /// Whether the server's user can enter a folder, through all those above it.
    public func canReach(_ folder: URL) -> Bool { account.canReach(folder) }

    /// The number of the server's first process, while it runs.
    public var process: Int32? { running?.process }

    /// What clients connect with, once it is started.
    public var connectionString: String {
        get throws { try connectionString(database: Self.database) }
    }

    /// The socket's number in its folder; no TCP port is opened.
    static let port = 5432
    /// The server's only role, and its database.
    static let role = "endoked"
    static let database = "endoked"

    private func connectionString(database: String) throws -> String {
        "host=\(Self.quoted(try socketFolder().path)) port=\(Self.port) user=\(Self.role) dbname=\(database)"
    }

    /// Makes the server's files at the first time, starts it unless it runs, and makes sure of its database. The server
    /// stays when this program ends; `serve` runs one that does not.
    ///
    /// - Returns: the connection string.
    @discardableResult
    public func start() throws -> String {
        try prepared { if running == nil { try launchDetached() } }
        try makeDatabase()
        return try connectionString
    }

    /// Stops the server: open transactions are rolled back, everything committed is on disk. Does nothing when it does
    /// not run.
    public func stop() throws {
        guard let process = running?.process else { return }
        guard end(process, patience: 60, isGone: { self.running?.process != process }) else {
            throw PostgreSQLError(.privateServer, "the server in \(data.path) (process \(process)) does not stop; see \(log.path)")
        }
    }

    /// Whether clients may connect now.
    public var isReady: Bool { running?.isReady == true }

    /// Makes this program's database in the running server, unless it is there.
    public func makeDatabase() throws {
        let connection = try Connection(connectionString: try connectionString(database: "postgres"))
        let known = try connection.execute("SELECT 1 FROM pg_database WHERE datname = 'endoked'")
        if known.isEmpty { try connection.execute("CREATE DATABASE endoked") }
    }

    /// A socket's path has at most 107 bytes, and libpq takes a comma in it for the end of a host's name. When the state
    /// folder is too deep or has such a name the socket goes to a folder under /tmp whose name follows from the state
    /// folder's.
    func socketFolder() throws -> URL {
        let beside = folder.appendingPathComponent("socket", isDirectory: true)
        let isPlain = !beside.path.unicodeScalars.contains { ",'\"\\".unicodeScalars.contains($0) || $0.value < 32 }
        if isPlain, beside.path.utf8.count + "/.s.PGSQL.5432.lock".utf8.count <= 107 { return beside }
        // FNV-1a; a collision would meet a folder that another server's lock file guards.
        let hash = folder.path.utf8.reduce(14_695_981_039_346_656_037 as UInt64) { ($0 ^ UInt64($1)) &* 1_099_511_628_211 }
        return URL(fileURLWithPath: "/tmp/endoked-\(String(hash, radix: 36))", isDirectory: true)
    }

    /// A value in a key-value connection string.
    private static func quoted(_ value: String) -> String {
        "'" + value.replacing("\\", with: "\\\\").replacing("'", with: "\\'") + "'"
    }
}
