import Archives
import Digest
import Foundation
import Ledger

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
    private var privateDatabase: LocalDatabase?
    private var children: [ChildProcess] = []

    init(_ settings: Settings) { self.settings = settings }

    /// Where the workers keep pictures of frames.
    var pictures: URL { settings.state.appendingPathComponent("pictures") }

    /// Starts PostgreSQL where it is private.
    /// - Parameter isInterrupted: asked while it waits.
    /// - Returns: the database to connect to; nil when it was interrupted.
    func startDatabase(isInterrupted: () -> Bool) throws -> String? {
        if let database = settings.database { return database }
        let database = try LocalDatabase(state: settings.state)
        privateDatabase = database
        return try database.start(isInterrupted: isInterrupted)
    }

    /// Starts the coordinator and the workers.
    func startProcesses(database: String) throws {
        let logs = LocalDatabase.logs(in: settings.state)
        try OutputFolder.create(logs)
        removeOldSockets()
        let endpoint = "ipc://" + socket.path
        let coordinatorLog = logs.appendingPathComponent("coordinator.log")
        children = [
            ChildProcess(
                name: "coordinator",
                arguments: [
                    "coordinator", "--database", database, "--listen", endpoint, "--name", "local", "--life", life,
                    "--log-file", coordinatorLog.path,
                ], logFile: coordinatorLog)
        ]
        let centres = settings.centres.flatMap { ["--centre", "\($0.name)=\($0.directory.path)"] }
        for index in 1...settings.workers {
            let log = logs.appendingPathComponent("worker-\(index).log")
            children.append(
                ChildProcess(
                    name: "worker-\(index)",
                    arguments: [
                        "worker", "--connect", endpoint, "--name", "worker-\(index)", "--slots", "\(settings.slots)",
                        "--drain-seconds", "5", "--pictures", pictures.path,
                        "--keys", settings.state.appendingPathComponent("keys").path, "--log-file", log.path,
                    ] + centres, logFile: log))
        }
        for child in children { try child.start() }
    }

    /// Starts again whatever has died.
    /// - Returns: lines for people.
    func reviveDead() throws -> [String] {
        try [privateDatabase?.revive()].compactMap { $0 } + children.compactMap { try $0.revive() }
    }

    /// Ends workers, then the coordinator, then PostgreSQL.
    func stop() {
        for child in children.dropFirst() { child.signal(SIGTERM) }
        for child in children.dropFirst() { child.end(within: 8) }
        children.first?.signal(SIGTERM)
        children.first?.end(within: 8)
        children = []
        privateDatabase?.stop()
        privateDatabase = nil
        unlink(socket.path)
    }

    /// One coordinator follows the other in this run, and the one before is dead when the next starts: they share what
    /// tells them from coordinators of other runs.
    private let life = String(UInt32.random(in: .min ... .max), radix: 16)

    /// In the state folder, or, where that path is too long for a socket (107 bytes), in /tmp under its digest. Its name is
    /// this run's own: a coordinator of a killed run that is just ending takes its own socket away, not this one.
    private var socket: URL {
        let name = socketPrefix + "\(getpid()).sock"
        return socketFolder.appendingPathComponent(name)
    }

    private var isStateShort: Bool { settings.state.path.utf8.count <= 75 }
    private var socketFolder: URL { isStateShort ? settings.state : URL(fileURLWithPath: "/tmp", isDirectory: true) }
    private var socketPrefix: String {
        isStateShort
            ? "coordinator-" : "endoked-" + String(SHA256Digest(hashing: Array(settings.state.path.utf8)).hex.prefix(16)) + "-"
    }

    /// Sockets of runs that were killed: nobody else runs in this state folder.
    private func removeOldSockets() {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: socketFolder.path)) ?? []
        for name in names where name.hasPrefix(socketPrefix) && name.hasSuffix(".sock") {
            unlink(socketFolder.appendingPathComponent(name).path)
        }
    }
}
