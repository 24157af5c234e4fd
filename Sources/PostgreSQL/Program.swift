import CPostgres
import Foundation

/// Runs a program to its end.
///
/// Not Foundation's Process: that one ends only when every descendant has, and pg_ctl leaves a server behind.
enum Program {
    struct Outcome {
        /// The exit status; 128 and the signal's number when a signal ended it.
        var status: Int32
        /// Standard output and error together.
        var output: String
    }

    static func run(_ path: String, _ arguments: [String]) throws -> Outcome {
        // Into a file, not a pipe: the server left behind would hold a pipe open for ever.
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("endoked-\(UUID().uuidString).out")
        defer { unlink(file.path) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, file.path, O_WRONLY | O_CREAT | O_EXCL, 0o600)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
        // The server must not keep our sockets and files open.
        posix_spawn_file_actions_addclosefrom_np(&actions, 3)
        // A folder that every user may enter: the server's user may not be able to enter ours.
        posix_spawn_file_actions_addchdir_np(&actions, "/")
        let strings = ([path] + arguments).map { strdup($0) }
        defer { strings.forEach { free($0) } }
        var process: pid_t = 0
        let code = posix_spawn(&process, path, &actions, nil, strings + [nil], environ)
        guard code == 0 else {
            throw PostgreSQLError(.privateServer, "\(path) cannot be run: \(String(cString: strerror(code)))")
        }
        var status: Int32 = 0
        while waitpid(process, &status, 0) < 0 {
            guard errno == EINTR else {
                throw PostgreSQLError(.privateServer, "\(path) cannot be waited for: \(String(cString: strerror(errno)))")
            }
        }
        let text = (try? String(contentsOf: file, encoding: .utf8)) ?? ""
        let signal = status & 0x7f
        return Outcome(
            status: signal == 0 ? (status >> 8) & 0xff : 128 + signal,
            output: text.trimmingCharacters(in: .whitespacesAndNewlines))
    }
}
