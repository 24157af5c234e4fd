import Foundation

/// A server process that lives in a data folder now. The lock file alone proves nothing: after a crash its process
/// number may belong to somebody else.
struct RunningServer {
    var process: Int32
    /// Whether clients may connect.
    var isReady: Bool

    /// nil when no server of that folder is alive.
    init?(dataFolder: URL) {
        let file = dataFolder.appendingPathComponent("postmaster.pid")
        guard let text = try? String(contentsOf: file, encoding: .utf8) else { return nil }
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        guard let process = lines.first.flatMap({ Int32($0.trimmingCharacters(in: .whitespaces)) }), process > 1,
            Self.isServer(process, of: dataFolder)
        else { return nil }
        self.process = process
        // The eighth line: starting, ready, stopping.
        isReady = lines.count > 7 && lines[7].hasPrefix("ready")
    }

    /// Processes of a server of that folder, whether or not their first one lives.
    static func processes(of dataFolder: URL) -> [Int32] {
        let all = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return all.compactMap(Int32.init).filter { isServer($0, of: dataFolder) }
    }

    /// A server works in its data folder, and its program is called postgres.
    private static func isServer(_ process: Int32, of dataFolder: URL) -> Bool {
        let name = try? String(contentsOfFile: "/proc/\(process)/comm", encoding: .utf8)
        guard name?.trimmingCharacters(in: .whitespacesAndNewlines) == "postgres",
            let folder = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(process)/cwd")
        else { return false }
        return folder == dataFolder.resolvingSymlinksInPath().path
    }
}
