import Foundation
import PostgreSQL

/// A private PostgreSQL for as long as this program lives. It is watched over by a process of its own (`endoked postgres`),
/// which starts it again when it dies and stops it when this program is gone, by whatever death.
final class LocalDatabase {
    private let server: PrivateServer
    private let state: URL
    private let guardian: ChildProcess

    /// Writes nothing yet.
    /// - Parameter state: the state folder, which the caller holds a `RunLock` of, or nobody else knows.
    init(state: URL) throws {
        self.state = state
        server = try PrivateServer(stateFolder: state)
        guardian = ChildProcess(
            name: "guard of PostgreSQL", arguments: ["postgres", "--state", state.path],
            logFile: Self.logs(in: state).appendingPathComponent("postgres.log"), isPatient: true)
    }

    /// Where the logs of a run's processes lie.
    static func logs(in state: URL) -> URL { state.appendingPathComponent("logs") }

    /// Makes the database at the first time and starts it. The server of a run that died is taken over.
    /// - Parameter isInterrupted: asked while it waits.
    /// - Returns: the connection string; nil when it was interrupted.
    func start(isInterrupted: () -> Bool = { false }) throws -> String? {
        try server.prepare()
        try OutputFolder.create(Self.logs(in: state))
        try guardian.start()
        let began = Date()
        var hasSaid = false
        while !server.isReady {
            if isInterrupted() { return nil }
            try guardian.requireAlive()
            if !hasSaid, Date().timeIntervalSince(began) > 10 {
                Terminal.message("PostgreSQL is still starting: after a crash it reads its log again")
                hasSaid = true
            }
            usleep(20_000)
        }
        try server.makeDatabase()
        return try server.connectionString
    }

    /// Starts the guard again when it has died.
    /// - Returns: a line for people when it had.
    func revive() throws -> String? { try guardian.revive() }

    func stop() {
        guardian.signal(SIGTERM)
        guardian.end(within: 45)
        // Where the guard was killed at the last moment.
        do { try server.stop() } catch { Terminal.message("\(error)") }
    }
}
