import Foundation

/// A look at a centre's folder as a whole: is it there, and does it hold an archive? A few calls of `stat`.
public enum CentreFolder {
    public enum State: Sendable, Hashable {
        /// `stamp` stays the same as long as the folder and its tables do.
        case there(stamp: String)
        /// Why it cannot be worked on; names no path.
        case away(reason: String)
    }

    static let tables = ["manifest.csv", "reports.jsonl", "reports.csv"]

    public static func look(at folder: URL) -> State {
        var root = stat()
        guard stat(folder.path, &root) == 0 else { return .away(reason: "its folder " + problem(errno)) }
        guard root.st_mode & S_IFMT == S_IFDIR else { return .away(reason: "its folder is a file") }
        guard access(folder.path, R_OK | X_OK) == 0 else { return .away(reason: "its folder " + problem(errno)) }
        var stamp = [text(root)]
        var found = false
        for name in tables + ["studies"] {
            var status = stat()
            let path = folder.appendingPathComponent(name).path
            guard stat(path, &status) == 0 else {
                // Whatever else is wrong with it, an absent table is none.
                guard errno == ENOENT else { return .away(reason: "its \(name) " + problem(errno)) }
                continue
            }
            guard access(path, R_OK) == 0 else { return .away(reason: "its \(name) " + problem(errno)) }
            stamp.append("\(name) \(text(status))")
            // Images without a table are an archive with a fault, which its shards find.
            found = true
        }
        guard found else {
            let isEmpty = (try? FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty) ?? false
            return .away(
                reason: isEmpty
                    ? "its folder is empty: is the disk mounted?"
                    : "its folder holds no archive: none of \(tables.joined(separator: ", "))")
        }
        return .there(stamp: stamp.joined(separator: "; "))
    }

    private static func problem(_ code: Int32) -> String {
        switch code {
        case ENOENT, ENOTDIR: "is not there"
        case EACCES, EPERM: "may not be read by this user"
        default: "cannot be read: \(String(cString: strerror(code)))"
        }
    }

    private static func text(_ status: stat) -> String {
        "\(status.st_dev)/\(status.st_ino)/\(status.st_mtim.tv_sec).\(status.st_mtim.tv_nsec)/\(status.st_size)"
    }
}
