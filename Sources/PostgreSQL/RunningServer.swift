import Foundation

/// A server process that lives in a data folder now. The lock file alone proves nothing: after a crash its process
/// number may belong to somebody else.
struct RunningServer {
    var process: Int32

    /// nil when no server of that folder is alive.
    init?(dataFolder: URL) {
        let file = dataFolder.appendingPathComponent("postmaster.pid")
        guard let text = try? String(contentsOf: file, encoding: .utf8), let first = text.split(separator: "\n").first,
            let process = Int32(first.trimmingCharacters(in: .whitespaces)), process > 1
        else { return nil }
        // A server works in its data folder, and its program is called postgres.
        let name = try? String(contentsOfFile: "/proc/\(process)/comm", encoding: .utf8)
        guard name?.trimmingCharacters(in: .whitespacesAndNewlines) == "postgres",
            let folder = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(process)/cwd"),
            folder == dataFolder.resolvingSymlinksInPath().path
        else { return nil }
        self.process = process
    }
}
