import Foundation

/// Names that come from tables and become parts of paths.
package enum SafeName {
    /// Whether `name` is one component of a path and stays where it is put.
    static func isComponent(_ name: String) -> Bool {
        !name.isEmpty && name != "." && name != ".." && name.utf8.count <= 200
            && !name.unicodeScalars.contains { $0 == "/" || $0 == "\\" || $0.value < 0x20 || $0.value == 0x7F }
    }

    /// Whether `path` is relative and made of components alone.
    static func isRelativePath(_ path: String) -> Bool {
        !path.isEmpty && path.split(separator: "/", omittingEmptySubsequences: false).allSatisfy { isComponent(String($0)) }
    }

    /// `url` with all symbolic links followed, if that lies within `folder` (likewise resolved); nil otherwise.
    static func resolve(_ url: URL, within folder: URL) -> URL? {
        guard let target = realPath(url), let base = realPath(folder) else { return nil }
        return target == base || target.hasPrefix(base == "/" ? base : base + "/") ? URL(fileURLWithPath: target) : nil
    }

    private static func realPath(_ url: URL) -> String? {
        guard let pointer = realpath(url.path, nil) else { return nil }
        defer { free(pointer) }
        return String(cString: pointer)
    }
}
