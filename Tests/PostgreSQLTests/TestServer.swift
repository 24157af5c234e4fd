import Foundation
import PostgreSQL

/// One private PostgreSQL for all tests of this process; stopped and removed at its end.
enum TestServer {
    static let folder = URL(fileURLWithPath: "/tmp/endoked-test-\(ProcessInfo.processInfo.processIdentifier)-pg")

    static let shared: Result<PrivateServer, any Error> = Result {
        atexit { TestServer.remove() }
        let server = try PrivateServer(stateFolder: folder)
        try server.start()
        return server
    }

    static func connect(isReadOnly: Bool = false, limits: Connection.Limits = Connection.Limits()) throws -> Connection {
        try Connection(connectionString: shared.get().connectionString, isReadOnly: isReadOnly, limits: limits)
    }

    private static func remove() {
        if let server = try? shared.get() { try? server.stop() }
        try? FileManager.default.removeItem(at: folder)
    }
}

/// What `body` throws; nil when it throws nothing, or no error of PostgreSQL.
func postgreSQLError(_ body: () throws -> Void) -> PostgreSQLError? {
    do {
        try body()
        return nil
    } catch {
        return error as? PostgreSQLError
    }
}
