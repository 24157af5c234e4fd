import Foundation

/// Names that come from tables and become parts of paths.
package enum SafeName {
    /// What file systems take.
    static let maximumBytes = 255

    /// Whether `name` is one component of a path and stays where it is put.
    static func isComponent(_ name: String) -> Bool {
        !name.isEmpty && name != "." && name != ".." && name.utf8.count <= maximumBytes
            && !name.unicodeScalars.contains { $0 == "/" || $0 == "\\" || $0.value < 0x20 || $0.value == 0x7F }
    }

    /// Whether `path` is relative and made of components alone.
    static func isRelativePath(_ path: String) -> Bool {
        !path.isEmpty && path.split(separator: "/", omittingEmptySubsequences: false).allSatisfy { isComponent(String($0)) }
    }

    /// Where a path leads.
    enum Resolution {
        case inside(URL)
        case outside
        /// `errno` says why it cannot be followed.
        case failed(Int32)
    }

    /// `url` with all symbolic links followed, and whether that lies within `folder` (likewise resolved).
    static func resolve(_ url: URL, within folder: URL) -> Resolution {
        guard let target = realpath(url.path, nil) else { return .failed(errno) }
        defer { free(target) }
        guard let base = realpath(folder.path, nil) else { return .failed(errno) }
        defer { free(base) }
        let (path, root) = (String(cString: target), String(cString: base))
        // By bytes: to a string, a mark behind the slash would be part of it.
        let isInside = path == root || path.utf8.starts(with: (root == "/" ? root : root + "/").utf8)
        return isInside ? .inside(URL(fileURLWithPath: path)) : .outside
    }
}
