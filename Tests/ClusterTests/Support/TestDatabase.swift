import Foundation
import PostgreSQL
import Synchronization

/// One private PostgreSQL for all tests of this process; stopped and removed at its end. Each test has a database.
enum TestDatabase {
    static let folder = URL(fileURLWithPath: "/tmp/endoked-test-\(ProcessInfo.processInfo.processIdentifier)-cluster")
    private static let made = Atomic<Int>(0)

    static let server: Result<PrivateServer, any Error> = Result {
        atexit { TestDatabase.remove() }
        let server = try PrivateServer(stateFolder: folder)
        let connection = try Connection(connectionString: server.start())
        // These databases are thrown away; a bench must wait for the disk as users do.
        if ProcessInfo.processInfo.environment["ENDOKED_BENCH"] == nil {
            try connection.execute("ALTER SYSTEM SET fsync = off")
            try connection.execute("SELECT pg_reload_conf()")
        }
        return server
    }

    /// The connection string of a new, empty database.
    static func make() throws -> String {
        let name = "test\(made.add(1, ordering: .relaxed).newValue)"
        let string = try server.get().connectionString
        try Connection(connectionString: string).executeScript("CREATE DATABASE \(name)")
        return string.replacing("dbname=endoked", with: "dbname=\(name)")
    }

    private static func remove() {
        if let server = try? server.get() { try? server.stop() }
        try? FileManager.default.removeItem(at: folder)
    }
}
