import Foundation

/// The names in a folder, as the file system holds them. Foundation's own listing stumbles over names that are no UTF-8.
struct FolderNames {
    private(set) var names: [String] = []
    /// How many more there are that are no UTF-8.
    private(set) var undecodable = 0

    /// - Throws: `ArchiveError` (`unreadable`), in the system's words and without a place: the caller names it.
    init(_ folder: String) throws {
        guard let directory = opendir(folder) else {
            throw ArchiveError(.unreadable, String(cString: strerror(errno)))
        }
        defer { closedir(directory) }
        while let entry = readdir(directory) {
            let bytes = withUnsafeBytes(of: &entry.pointee.d_name) { Array($0.prefix { $0 != 0 }) }
            guard let name = String(validating: bytes, as: UTF8.self) else {
                undecodable += 1
                continue
            }
            if name != ".", name != ".." { names.append(name) }
        }
        // Two names may be equal and yet differ in their bytes.
        names.sort { $0 == $1 ? $0.utf8.lexicographicallyPrecedes($1.utf8) : $0 < $1 }
    }
}
