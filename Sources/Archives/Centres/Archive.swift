import Foundation

/// A multi-centre archive: a folder of centres, or a folder with a `manifest.csv`.
public enum Archive {
    /// The centres of the archive at `root`, sorted by name. Nothing but the manifest's table is read.
    /// - Throws: `ArchiveError` when the folder is absent or holds no centre.
    public static func open(_ root: URL) throws -> [CentreArchive] {
        let manager = FileManager.default
        var isFolder: ObjCBool = false
        guard manager.fileExists(atPath: root.path, isDirectory: &isFolder), isFolder.boolValue else {
            throw ArchiveError(.notFound, "there is no folder \(root.path): name the archive's folder")
        }
        let manifest = root.appendingPathComponent("manifest.csv")
        if manager.fileExists(atPath: manifest.path) {
            let centres = try Manifest(contentsOf: manifest).centres
            if let unsafe = centres.first(where: { !SafeName.isComponent($0) }) {
                throw ArchiveError(
                    .unsafeName, "manifest.csv: a centre of \(unsafe.count) characters is not a plain name")
            }
            guard !centres.isEmpty else { throw ArchiveError(.notAnArchive, "manifest.csv names no centre") }
            return centres.map { CentreArchive(name: $0, directory: root) }
        }
        if isCentre(root) {
            return [CentreArchive(name: root.standardizedFileURL.lastPathComponent, directory: root)]
        }
        let names: [String]
        do { names = try manager.contentsOfDirectory(atPath: root.path) } catch {
            throw ArchiveError(.unreadable, "\(root.path) cannot be listed: may this user read it?")
        }
        // One that may not be entered may be a centre, which must not vanish from the work without a word.
        for name in names.sorted() where !name.hasPrefix(".") && name != "lost+found" {
            var isFolder: ObjCBool = false
            let folder = root.appendingPathComponent(name)
            guard manager.fileExists(atPath: folder.path, isDirectory: &isFolder), isFolder.boolValue else { continue }
            try FolderAccess.require(folder)
        }
        let centres = names.sorted().filter { !$0.hasPrefix(".") && isCentre(root.appendingPathComponent($0)) }
        guard !centres.isEmpty else {
            throw ArchiveError(
                .notAnArchive,
                "\(root.path) holds no centre: a centre is a folder with reports.jsonl or reports.csv and studies/, "
                    + "or the archive has a manifest.csv")
        }
        return centres.map { CentreArchive(name: $0, directory: root.appendingPathComponent($0)) }
    }

    private static func isCentre(_ folder: URL) -> Bool {
        ["reports.jsonl", "reports.csv", "studies"].contains {
            FileManager.default.fileExists(atPath: folder.appendingPathComponent($0).path)
        }
    }
}
