import Foundation
import Synchronization

/// Finds files whose names a table writes otherwise composed than the file system: "ü" as one letter, or as "u" with a
/// mark, which is how macOS and some network shares keep it. Swift's strings are equal however they are composed; the
/// file system compares bytes.
enum ComposedNames {
    private struct Folder {
        var modified: timespec
        /// Names by themselves: the key is found however it is composed, the value is the file system's own.
        var names: [String: String]
    }

    /// The folders looked at last, so that a centre's hundred thousand studies are not listed once for each.
    private static let known = Mutex<[String: Folder]>([:])
    private static let maximumFolders = 16

    /// `path` with each part as it lies below `folder`; nil where a part is not there, or all lie as they are written.
    static func path(_ path: String, below folder: String) -> String? {
        var place = folder
        var found: [String] = []
        var isOther = false
        for part in path.split(separator: "/").map(String.init) {
            var status = stat()
            if lstat(place + "/" + part, &status) == 0 {
                found.append(part)
            } else if let own = names(in: place)[part] {
                found.append(own)
                isOther = true
            } else {
                return nil
            }
            place += "/" + (found.last ?? part)
        }
        return isOther ? found.joined(separator: "/") : nil
    }

    private static func names(in folder: String) -> [String: String] {
        var status = stat()
        guard stat(folder, &status) == 0 else { return [:] }
        let modified = status.st_mtim
        if let kept = known.withLock({ $0[folder] }), kept.modified.tv_sec == modified.tv_sec,
            kept.modified.tv_nsec == modified.tv_nsec
        {
            return kept.names
        }
        guard let entries = try? FolderNames(folder).names else { return [:] }
        let names = Dictionary(entries.map { ($0, $0) }, uniquingKeysWith: { first, _ in first })
        known.withLock { known in
            if known.count >= maximumFolders { known.removeAll() }
            known[folder] = Folder(modified: modified, names: names)
        }
        return names
    }
}
