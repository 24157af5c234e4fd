import Archives
import Foundation

/// What tells a file from any other, and from itself before it was changed: its place, and what the file system says of it.
package struct FileIdentity: Hashable, Sendable {
    private let path: String
    private let device: UInt64
    private let number: UInt64
    private let size: Int64
    /// Seconds and nanoseconds. Both times: a copy may bring the old time of change along, and an edit in place may be too
    /// quick for one of them.
    private let modified: [Int]
    private let changed: [Int]

    /// - Parameter url: of a file, links followed.
    /// - Throws: `ArchiveError.unreadable` when the file system does not tell; the message names no file.
    package init(of url: URL) throws {
        var status = stat()
        guard stat(url.path, &status) == 0 else {
            throw ArchiveError(.unreadable, "a file cannot be looked at: \(String(cString: strerror(errno)))")
        }
        path = url.path
        device = UInt64(status.st_dev)
        number = UInt64(status.st_ino)
        size = Int64(status.st_size)
        modified = [status.st_mtim.tv_sec, status.st_mtim.tv_nsec]
        changed = [status.st_ctim.tv_sec, status.st_ctim.tv_nsec]
    }
}
