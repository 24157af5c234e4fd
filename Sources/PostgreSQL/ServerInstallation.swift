import Foundation

/// Where PostgreSQL's server programs are on this machine.
struct ServerInstallation {
    /// The folder of initdb and postgres.
    var folder: URL
    /// 15, for one.
    var majorVersion: Int

    /// The oldest version that this program speaks with.
    static let oldest = 14

    func program(_ name: String) -> String { folder.appendingPathComponent(name).path }

    /// `$ENDOKED_POSTGRES_BIN`, or the newest of Debian's /usr/lib/postgresql/*/bin, or where PATH finds initdb and postgres.
    static func find(environment: [String: String], root: String = "/usr/lib/postgresql") throws -> ServerInstallation {
        if let chosen = environment["ENDOKED_POSTGRES_BIN"], !chosen.isEmpty {
            guard let found = try ServerInstallation(folder: URL(fileURLWithPath: chosen, isDirectory: true)) else {
                throw PostgreSQLError(
                    .notInstalled,
                    "ENDOKED_POSTGRES_BIN is \(chosen), where there are no initdb and postgres of PostgreSQL ≥ \(oldest)")
            }
            return found
        }
        let versions = (try? FileManager.default.contentsOfDirectory(atPath: root)) ?? []
        let folders =
            versions.map { root + "/" + $0 + "/bin" }
            + (environment["PATH"] ?? "").split(separator: ":").map(String.init)
        var found: [ServerInstallation] = []
        var obstacle: (any Error)?
        for folder in folders {
            do {
                if let one = try ServerInstallation(folder: URL(fileURLWithPath: folder, isDirectory: true)) { found.append(one) }
            } catch { obstacle = obstacle ?? error }
        }
        guard let newest = found.max(by: { $0.majorVersion < $1.majorVersion }) else {
            if let obstacle { throw obstacle }
            throw PostgreSQLError(
                .notInstalled,
                "no PostgreSQL server ≥ \(oldest) is installed (looked in \(root) and PATH): apt-get install postgresql, or name a database with --database"
            )
        }
        return newest
    }

    /// nil when the folder does not hold a server's programs of a version that will do.
    /// - Throws: `.privateServer` when they are there and cannot be run: nothing is missing then, something is in the way.
    private init?(folder: URL) throws {
        self.folder = folder
        majorVersion = 0
        guard FileManager.default.isExecutableFile(atPath: program("initdb")),
            FileManager.default.isExecutableFile(atPath: program("postgres"))
        else { return nil }
        let outcome = try Program.run(program("postgres"), ["--version"])
        guard let version = outcome.output.firstMatch(of: /(\d+)(\.\d+|devel|beta\d+|rc\d+)/).flatMap({ Int($0.1) }),
            version >= Self.oldest
        else { return nil }
        majorVersion = version
    }
}
