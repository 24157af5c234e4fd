import Foundation

/// As whom the private server runs: as oneself, or, for root, as another user, since PostgreSQL refuses root.
struct ServerAccount {
    var name: String
    var user: uid_t
    var group: gid_t
    /// Whether programs must be run as somebody else.
    var isOther: Bool

    /// The name of the user who runs this program; nil when the system knows none.
    static var callingUser: String? {
        guard let entry = getpwuid(geteuid()) else { return nil }
        return String(cString: entry.pointee.pw_name)
    }

    static func current(environment: [String: String]) throws -> ServerAccount {
        guard geteuid() == 0 else {
            guard let name = callingUser else {
                throw PostgreSQLError(
                    .privateServer, "user \(geteuid()) has no name on this system, PostgreSQL needs one: add it to /etc/passwd")
            }
            return ServerAccount(name: name, user: geteuid(), group: getegid(), isOther: false)
        }
        let name = environment["ENDOKED_POSTGRES_USER"].flatMap { $0.isEmpty ? nil : $0 } ?? "postgres"
        guard let entry = getpwnam(name), entry.pointee.pw_uid != 0 else {
            throw PostgreSQLError(
                .privateServer,
                "PostgreSQL does not run as root, and there is no ordinary user “\(name)”: name one in ENDOKED_POSTGRES_USER")
        }
        return ServerAccount(name: name, user: entry.pointee.pw_uid, group: entry.pointee.pw_gid, isOther: true)
    }

    /// Runs a program as this user.
    func run(_ path: String, _ arguments: [String]) throws -> Program.Outcome {
        let command = try command(path, arguments)
        return try Program.run(command.path, command.arguments)
    }

    /// What to run, so that a program runs as this user.
    /// - Parameter endsWithUs: where the system can (setpriv is installed), it gets SIGINT when the thread that started it
    ///   ends, however that came.
    func command(
        _ path: String, _ arguments: [String], endsWithUs: Bool = false
    ) throws -> (path: String, arguments: [String]) {
        let manager = FileManager.default
        if manager.isExecutableFile(atPath: "/usr/bin/setpriv") {
            let options =
                (isOther ? ["--reuid=\(user)", "--regid=\(group)", "--init-groups"] : [])
                + (endsWithUs ? ["--pdeathsig", "INT"] : [])
            return options.isEmpty ? (path, arguments) : ("/usr/bin/setpriv", options + ["--", path] + arguments)
        }
        guard isOther else { return (path, arguments) }
        for program in ["/sbin/runuser", "/usr/sbin/runuser"] where manager.isExecutableFile(atPath: program) {
            return (program, ["-u", name, "--", path] + arguments)
        }
        throw PostgreSQLError(
            .privateServer,
            "neither setpriv nor runuser is installed, one is needed to run PostgreSQL as “\(name)”: apt-get install util-linux")
    }

    /// Gives a file to this user.
    func own(_ file: URL) throws {
        guard isOther else { return }
        guard chown(file.path, user, group) == 0 else {
            throw PostgreSQLError(
                .privateServer, "\(file.path) cannot be given to “\(name)”: \(String(cString: strerror(errno)))")
        }
    }

    /// Whether this user can enter a folder, through all those above it.
    func canReach(_ folder: URL) -> Bool {
        guard isOther else { return FileManager.default.isExecutableFile(atPath: folder.path) }
        return (try? run("/usr/bin/test", ["-x", folder.path]))?.status == 0
    }

    /// Makes a folder that only this user (and root) can enter. One that is there must be exactly that already: under
    /// /tmp anybody might have put a folder, or a link, in its place.
    func makePrivate(_ folder: URL) throws {
        if mkdir(folder.path, 0o700) == 0 {
            try own(folder)
            return
        }
        guard errno == EEXIST else {
            throw PostgreSQLError(.privateServer, "\(folder.path) cannot be made: \(String(cString: strerror(errno)))")
        }
        var status = stat()
        guard lstat(folder.path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR,
            status.st_uid == user, status.st_mode & 0o077 == 0
        else {
            throw PostgreSQLError(
                .privateServer,
                "\(folder.path) is not a private folder of “\(name)”: remove it, or use another state folder")
        }
    }
}
