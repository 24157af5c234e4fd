import Digest
import Foundation

/// The one check of names that become places of files that the program writes: results, pictures, keys.
extension SafeName {
    static let longestComponent = maximumBytes

    /// The place of `components` under `folder`, each one component of a path and nothing else. No symbolic link on the
    /// way may lead out of the folder.
    ///
    /// - Parameter making: whether the folders on the way are made, for their owner alone.
    /// - Throws: `ArchiveError`: `unsafeName`, which does not quote the name; `unwritable`.
    package static func place(_ components: [String], within folder: URL, making: Bool = false) throws -> URL {
        guard !components.isEmpty, components.allSatisfy(isWritable) else { throw unsafe }
        if making { try make(folder.path, withParents: true) }
        var path = folder.path
        var isKnown = true
        for (index, component) in components.enumerated() {
            path = (path == "/" ? "" : path) + "/" + component
            if isKnown {
                var status = stat()
                if lstat(path, &status) != 0 {
                    // What is not there yet cannot lead anywhere.
                    isKnown = errno != ENOENT
                } else if status.st_mode & S_IFMT == S_IFLNK, !isInside(URL(fileURLWithPath: path), folder) {
                    throw ArchiveError(.unsafeName, "a link in \(folder.path) leads out of it: nothing is written through it")
                }
            }
            if making, index < components.count - 1, !isKnown { try make(path, withParents: false) }
        }
        return URL(fileURLWithPath: path)
    }

    /// Whether a link leads to a place in `folder`; one that leads nowhere does not.
    private static func isInside(_ link: URL, _ folder: URL) -> Bool {
        if case .inside = resolve(link, within: folder) { true } else { false }
    }

    /// `name` with `suffix`, as one component: a name that leaves no room for it is cut, and told apart by its digest.
    /// - Throws: `ArchiveError.unsafeName` for a name that is no component itself.
    package static func fileName(_ name: String, _ suffix: String) throws -> String {
        guard isWritable(name) else { throw unsafe }
        guard name.utf8.count + suffix.utf8.count > longestComponent else { return name + suffix }
        var head = ""
        for character in name {
            guard head.utf8.count + String(character).utf8.count <= 200 else { break }
            head.append(character)
        }
        return head + "~" + SHA256Digest(hashing: Array(name.utf8)).hex.prefix(16) + suffix
    }

    private static let unsafe = ArchiveError(
        .unsafeName, "a name that is empty, too long, absolute, or holds .. or separators, is no file's name")

    private static func isWritable(_ name: String) -> Bool {
        !name.isEmpty && name != "." && name != ".." && name.utf8.count <= longestComponent
            && !name.unicodeScalars.contains { $0 == "/" || $0 == "\\" || $0.value < 0x20 || $0.value == 0x7F }
    }

    private static func make(_ path: String, withParents: Bool) throws {
        if mkdir(path, 0o700) == 0 || errno == EEXIST { return }
        if errno == ENOENT, withParents {
            let parent = (path as NSString).deletingLastPathComponent
            guard parent != path, !parent.isEmpty else { return }
            try make(parent, withParents: true)
            if mkdir(path, 0o700) == 0 || errno == EEXIST { return }
        }
        throw ArchiveError(.unwritable, "the folder \(path) cannot be made: \(String(cString: strerror(errno)))")
    }
}
