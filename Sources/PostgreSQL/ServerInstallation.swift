import Foundation

/// Where PostgreSQL's server programs are on this machine.
struct ServerInstallation {
    /// The folder of initdb, pg_ctl and postgres.
    var folder: URL
    /// 15, for one.
    var majorVersion: Int

    /// The oldest version that this program speaks with.
    static let oldest = 14

    func program(_ name: String) -> String { folder.appendingPathComponent(name).path }

    /// `$ENDOKED_POSTGRES_BIN`, or the newest of Debian's /usr/lib/postgresql/*/bin, or where PATH finds pg_ctl.
    static func find(environment: [String: String], root: String = "/usr/lib/postgresql") throws -> ServerInstallation {
        if let chosen = environment["ENDOKED_POSTGRES_BIN"], !chosen.isEmpty {
            guard let found = ServerInstallation(folder: URL(fileURLWithPath: chosen, isDirectory: true)) else {
                throw PostgreSQLError(
                    .notInstalled,
                    "ENDOKED_POSTGRES_BIN is \(chosen), where there are no initdb and pg_ctl of PostgreSQL ≥ \(oldest)")
            }
            return found
        }
        let versions = (try? FileManager.default.contentsOfDirectory(atPath: root)) ?? []
        let folders =
            versions.map { root + "/" + $0 + "/bin" }
            + (environment["PATH"] ?? "").split(separator: ":").map(String.init)
        let found = folders.compactMap { ServerInstallation(folder: URL(fileURLWithPath: $0, isDirectory: true)) }
        guard let newest = found.max(by: { $0.majorVersion < $1.majorVersion }) else {
            throw PostgreSQLError(
                .notInstalled,
                "no PostgreSQL server ≥ \(oldest) is installed (looked in \(root) and PATH): apt-get install postgresql, or name a database with --database")
        }
        return newest
    }

    /// nil when the folder does not hold a server's programs of a version that will do.
    private init?(folder: URL) {
        self.folder = folder
        majorVersion = 0
        guard FileManager.default.isExecutableFile(atPath: program("initdb")),
            FileManager.default.isExecutableFile(atPath: program("pg_ctl")),
            let outcome = try? Program.run(program("pg_ctl"), ["--version"]),
            let version = outcome.output.firstMatch(of: /(\d+)(\.\d+|devel|beta\d+|rc\d+)/).flatMap({ Int($0.1) }),
            version >= Self.oldest
        else { return nil }
        majorVersion = version
    }
}
