import CPostgres
import Foundation

/// Starts programs.
///
/// Not Foundation's Process: that one ends only when every descendant has, and a server may be left behind.
enum Program {
    struct Outcome {
        /// The exit status; 128 and the signal's number when a signal ended it.
        var status: Int32
        /// Standard output and error together.
        var output: String
    }

    /// Runs a program to its end.
    static func run(_ path: String, _ arguments: [String]) throws -> Outcome {
        // Into memory, not a pipe: a server left behind would hold a pipe open for ever. And not into a file: a folder for
        // it, such as TMPDIR names, may be missing or full.
        let output = memfd_create("endoked-output", UInt32(ENDOKED_MEMFD_CLOSE_ON_EXEC))
        guard output >= 0 else { throw cannotRun(path, errno) }
        defer { close(output) }
        let process = try spawn(path, arguments, output: output)
        var status: Int32 = 0
        while waitpid(process, &status, 0) < 0 {
            guard errno == EINTR else {
                throw PostgreSQLError(.privateServer, "\(path) cannot be waited for: \(String(cString: strerror(errno)))")
            }
        }
        lseek(output, 0, SEEK_SET)
        let text = String(decoding: FileHandle(fileDescriptor: output, closeOnDealloc: false).availableData, as: UTF8.self)
        return Outcome(status: exitStatus(status), output: text.trimmingCharacters(in: .whitespacesAndNewlines))
    }

    /// Starts a program in a session of its own, so that a terminal's Ctrl-C and its closing do not reach it.
    /// - Parameter output: where its standard output and error go.
    /// - Returns: its process number; the caller waits for it.
    static func spawn(_ path: String, _ arguments: [String], output: Int32) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, output, 1)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
        // The server must not keep our sockets and files open.
        posix_spawn_file_actions_addclosefrom_np(&actions, 3)
        // A folder that every user may enter: the server's user may not be able to enter ours.
        posix_spawn_file_actions_addchdir_np(&actions, "/")
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // What this program ignores or holds back (SIGPIPE, SIGINT), the server does not.
        var none = sigset_t()
        sigemptyset(&none)
        var usual = sigset_t()
        sigemptyset(&usual)
        for number in [SIGPIPE, SIGHUP, SIGINT, SIGTERM, SIGQUIT] { sigaddset(&usual, number) }
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &usual)
        posix_spawnattr_setflags(
            &attributes,
            Int16(POSIX_SPAWN_SETSIGMASK) | Int16(POSIX_SPAWN_SETSIGDEF) | Int16(ENDOKED_SPAWN_IN_NEW_SESSION))
        let words = ([path] + arguments).map { strdup($0) }
        let variables = environment.map { strdup($0) }
        defer { (words + variables).forEach { free($0) } }
        var process: pid_t = 0
        let code = posix_spawn(&process, path, &actions, &attributes, words + [nil], variables + [nil])
        guard code == 0 else { throw cannotRun(path, code) }
        return process
    }

    /// The exit status of what waitpid gave; 128 and the signal's number when a signal ended the process.
    static func exitStatus(_ status: Int32) -> Int32 {
        let signal = status & 0x7f
        return signal == 0 ? (status >> 8) & 0xff : 128 + signal
    }

    /// Whether a process is there and has not ended: one that nobody has waited for yet runs no program any more.
    static func isAlive(_ process: pid_t) -> Bool {
        (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(process)/exe")) != nil
    }

    /// Ours, but for what would change the language of messages or the meaning of the server's own settings.
    private static var environment: [String] {
        ProcessInfo.processInfo.environment
            .filter { !$0.key.hasPrefix("PG") && !$0.key.hasPrefix("LC_") && !["LANG", "LANGUAGE", "TZ"].contains($0.key) }
            .map { "\($0.key)=\($0.value)" } + ["LC_ALL=C"]
    }

    private static func cannotRun(_ path: String, _ code: Int32) -> PostgreSQLError {
        let advice =
            switch code {
            case EMFILE, ENFILE: ": too few open files are allowed (ulimit -n), allow 1024 or more"
            case EAGAIN: ": too few processes are allowed (ulimit -u)"
            default: ""
            }
        return PostgreSQLError(.privateServer, "\(path) cannot be run: \(String(cString: strerror(code)))\(advice)")
    }
}
