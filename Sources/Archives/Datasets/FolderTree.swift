import Foundation

/// The folders and images in folders, each listed once.
struct FolderTree {
    private var listings: [String: (folders: [String], images: [String])] = [:]

    /// Folders in a folder, sorted; hidden ones and what macOS leaves behind are not seen.
    mutating func folders(in folder: URL) throws -> [URL] {
        try listing(folder).folders.map { folder.appendingPathComponent($0) }
    }

    /// Names of images in a folder, sorted.
    mutating func images(in folder: URL) throws -> [String] { try listing(folder).images }

    /// Folders below `base` that fit a pattern, with what its `*` stood for and their relative paths.
    mutating func matches(
        of pattern: PathPattern, from base: URL
    ) throws -> [(folder: URL, captures: [String], path: String)] {
        var open: [(folder: URL, captures: [String], path: String)] = [(base, [], "")]
        for component in pattern.components {
            var next: [(folder: URL, captures: [String], path: String)] = []
            for place in open {
                // A component may name what an earlier one of the same pattern stood for.
                let wanted = PathPattern(component).filled(with: place.captures).components.first ?? component
                for name in try listing(place.folder).folders {
                    guard let captured = PathPattern.captures(wanted, name) else { continue }
                    next.append(
                        (
                            place.folder.appendingPathComponent(name), place.captures + captured,
                            place.path.isEmpty ? name : place.path + "/" + name
                        ))
                }
            }
            open = next
        }
        return open
    }

    private mutating func listing(_ folder: URL) throws -> (folders: [String], images: [String]) {
        if let known = listings[folder.path] { return known }
        let names: [String]
        do { names = try FolderNames(folder.path).names } catch let error as ArchiveError {
            throw ArchiveError(error.code, "\(folder.path) cannot be listed (\(error.message)): may this user read it?")
        }
        var listing: (folders: [String], images: [String]) = ([], [])
        for name in names where !name.hasPrefix(".") && name != "__MACOSX" {
            if DatasetPicture.isNamed(name) { listing.images.append(name) } else if isFolder(folder, name) { listing.folders.append(name) }
        }
        listings[folder.path] = listing
        return listing
    }

    private func isFolder(_ folder: URL, _ name: String) -> Bool {
        var isFolder: ObjCBool = false
        return FileManager.default.fileExists(atPath: folder.path + "/" + name, isDirectory: &isFolder) && isFolder.boolValue
    }
}
