import Foundation

/// Whether this user may look into folders. What may not be looked into seems empty, or not to be there at all.
enum FolderAccess {
    /// - Throws: `ArchiveError` when the folder is there and may not be listed or entered, or lies in one that may not.
    static func require(_ folder: URL) throws {
        guard access(folder.path, R_OK | X_OK) != 0, errno == EACCES else { return }
        throw ArchiveError(
            .unreadable,
            "\(folder.path) cannot be read by user \(NSUserName()): give this user the right to (chmod -R u+rX, setfacl), or take it out of the archive"
        )
    }
}
