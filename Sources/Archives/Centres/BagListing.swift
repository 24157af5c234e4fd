import Foundation

/// What lies in a study's folder, told apart by name alone.
struct BagListing {
    /// Names of files that may be images, sorted.
    var files: [String] = []
    /// Names of folders, sorted; they are not looked into.
    var folders: [String] = []
    /// Visible things that are neither files nor folders: pipes, devices.
    var specials: [String] = []
    /// Images that are hidden by a dot before their name.
    var hiddenImages: [String] = []
    /// Files that differ from one of `files` only in how their letters are composed.
    var doubled: [String] = []
    /// Files that no one put there on purpose: `.DS_Store`, `._01.jpg`, `Thumbs.db` and other hidden ones.
    var housekeeping = 0
    /// Files whose names cannot be used: control characters, backslashes, bytes that are no UTF-8, too long.
    var unusable = 0

    /// Lists a folder.
    /// - Throws: `ArchiveError` (`unreadable`), without a place: the caller names it.
    init(_ folder: URL) throws {
        let listed = try FolderNames(folder.path)
        unusable = listed.undecodable
        var seen: Set<String> = []
        for name in listed.names {
            if Self.isHousekeeping(name) {
                let isImage = CentreIndex.imageExtensions.contains(CentreIndex.pathExtension(name))
                if isImage, !name.hasPrefix("._") { hiddenImages.append(name) } else { housekeeping += 1 }
            } else if SafeName.isComponent(name) {
                place(name, in: folder, seen: &seen)
            } else {
                unusable += 1
            }
        }
    }

    private mutating func place(_ name: String, in folder: URL, seen: inout Set<String>) {
        var status = stat()
        // What cannot be looked at (a link that leads nowhere) is reported where it is opened.
        let isKnown = stat(folder.path + "/" + name, &status) == 0
        switch isKnown ? status.st_mode & S_IFMT : S_IFREG {
        case S_IFDIR: folders.append(name)
        // Strings are equal however their letters are composed.
        case S_IFREG: if seen.insert(name).inserted { files.append(name) } else { doubled.append(name) }
        default: specials.append(name)
        }
    }

    static func isHousekeeping(_ name: String) -> Bool {
        name.hasPrefix(".")
            || ["thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r", "__macosx", "@eadir"].contains(name.lowercased())
    }
}
