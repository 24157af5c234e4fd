import Archives
import Digest
import Foundation
import Ledger
import PostgreSQL

/// A whole cluster on this machine for one job: PostgreSQL, a coordinator, workers, each a process of its own.
final class LocalCluster {
    struct Settings {
        var state: URL
        /// A PostgreSQL to use; nil starts a private one in `state`.
        var database: String?
        var workers: Int
        var slots: Int
        var centres: [CentreArchive]
    }

    private let settings: Settings
    private var server: PrivateServer?
    private var children: [ChildProcess] = []

    init(_ settings: Settings) { self.settings = settings }

    /// Where the workers keep pictures of frames.
    var pictures: URL { settings.state.appendingPathComponent("pictures") }

    /// Starts PostgreSQL where it is private.
    /// - Returns: the database to connect to.
    func startDatabase() throws -> String {
        if let database = settings.database { return database }
        let server = try PrivateServer(stateFolder: settings.state)
        self.server = server
        return try server.start()
    }

    /// Starts the coordinator and the workers.
    func startProcesses(database: String) throws {
        let logs = settings.state.appendingPathComponent("logs")
        try FileManager.default.createDirectory(at: logs, withIntermediateDirectories: true)
        let endpoint = "ipc://" + socketPath
        children = [
            ChildProcess(
                name: "coordinator",
                arguments: ["coordinator", "--database", database, "--listen", endpoint, "--name", "local"],
                logFile: logs.appendingPathComponent("coordinator.log"))
        ]
        let centres = settings.centres.flatMap { ["--centre", "\($0.name)=\($0.directory.path)"] }
        for index in 1...settings.workers {
            children.append(
                ChildProcess(
                    name: "worker-\(index)",
                    arguments: [
                        "worker", "--connect", endpoint, "--name", "worker-\(index)", "--slots", "\(settings.slots)",
                        "--drain-seconds", "5", "--pictures", pictures.path,
                        "--keys", settings.state.appendingPathComponent("keys").path,
                    ] + centres, logFile: logs.appendingPathComponent("worker-\(index).log")))
        }
        for child in children { try child.start() }
    }

    /// Starts again whatever has died.
    /// - Returns: lines for people.
    func reviveDead() throws -> [String] {
        try children.compactMap { try $0.revive() }
    }

    /// Ends workers, then the coordinator, then PostgreSQL.
    func stop() {
        for child in children.dropFirst() { child.signal(SIGTERM) }
        for child in children.dropFirst() { child.end(within: 8) }
        children.first?.signal(SIGTERM)
        children.first?.end(within: 8)
        children = []
        if let server {
            do { try server.stop() } catch { Terminal.message("PostgreSQL did not stop: \(error)") }
        }
        server = nil
    }

    /// In the state folder, or, where that path is too long for a socket (107 bytes), in /tmp under its digest.
    private var socketPath: String {
        let inState = settings.state.appendingPathComponent("coordinator.sock").path
        if inState.utf8.count <= 100 { return inState }
        return "/tmp/endoked-" + String(SHA256Digest(hashing: Array(inState.utf8)).hex.prefix(16)) + ".sock"
    }
}
