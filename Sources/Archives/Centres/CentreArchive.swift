import Foundation

/// Where one centre's studies lie. Making one reads nothing; `index()` reads the tables.
///
/// A centre is a folder with
/// - `reports.jsonl` or `reports.csv`: study, patient, text; optional label, split, language, pathology;
/// - `studies/<study>/*.jpg|png`: the bag of each study, in the order of names;
/// - optionally `studies.csv`, `truth.csv` and `truth/`, which only `TruthReader` opens;
/// or a folder whose `manifest.csv` says which files belong to which study (see `Manifest`).
public struct CentreArchive: Sendable, Hashable {
    /// The centre's name, as it stands in results.
    public let name: String
    public let directory: URL

    public init(name: String, directory: URL) {
        self.name = name
        self.directory = directory.standardizedFileURL
    }

    /// Longest report that is read, in bytes of UTF-8: a report of more is no report but a mistake.
    public static let maximumReportBytes = 1 << 20

    /// Reads the centre's tables and lists what is wrong with them.
    /// - Throws: `ArchiveError` when there is no table or it cannot be read as a whole.
    public func index() throws -> CentreIndex {
        try FolderAccess.require(directory)
        let manifest = directory.appendingPathComponent("manifest.csv")
        if FileManager.default.fileExists(atPath: manifest.path) {
            return try Manifest(contentsOf: manifest).index(of: self)
        }
        return try ReportTable(centre: self).index()
    }

    /// The place of `path` within the centre's folder.
    /// - Throws: `ArchiveError` when it is no safe relative path, does not exist, or a link leads out of the folder. It does
    ///   not quote the path, which may be a cell of a table.
    package func resolve(_ path: String) throws -> URL {
        guard SafeName.isRelativePath(path) else {
            throw ArchiveError(.unsafeName, "centre \(name): a path that is absolute or holds .. is not followed")
        }
        switch SafeName.resolve(directory.appendingPathComponent(path), within: directory) {
        case .inside(let target): return target
        case .outside:
            throw ArchiveError(.unsafeName, "centre \(name): a link leads out of the centre's folder and is not followed")
        case .failed(let reason) where reason == ENOENT || reason == ENOTDIR || reason == ENAMETOOLONG:
            if let own = ComposedNames.path(path, below: directory.path),
                case .inside(let target) = SafeName.resolve(directory.appendingPathComponent(own), within: directory)
            {
                return target
            }
            throw ArchiveError(.notFound, "centre \(name): there is no such file")
        case .failed(let reason):
            throw ArchiveError(
                .unreadable, "centre \(name): a file cannot be reached: \(String(cString: strerror(reason)))")
        }
    }
}
