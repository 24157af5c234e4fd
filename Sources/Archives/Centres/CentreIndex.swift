import Foundation

/// A centre's studies as its tables name them, and what is wrong with the tables.
public struct CentreIndex: Sendable {
    public let archive: CentreArchive
    /// In the order of study names. Studies with an unsafe or doubled name are not here but in `issues`.
    public let records: [StudyRecord]
    public let issues: [ArchiveIssue]
    /// Where images lie otherwise than in `studies/<study>/`: paths relative to the centre's folder, by image name.
    let imagePaths: [String: [String: String]]?
    /// Lines of the manifest that name these images.
    let imageLines: [String: [String: Int]]
    private let positions: [String: Int]

    init(
        archive: CentreArchive, records: [StudyRecord], issues: [ArchiveIssue],
        imagePaths: [String: [String: String]]? = nil, imageLines: [String: [String: Int]] = [:]
    ) {
        self.imageLines = imageLines
        self.archive = archive
        self.records = records.sorted { $0.study < $1.study }
        self.issues = issues
        self.imagePaths = imagePaths
        positions = Dictionary(uniqueKeysWithValues: self.records.enumerated().map { ($1.study, $0) })
    }

    public subscript(study: String) -> StudyRecord? { positions[study].map { records[$0] } }

    /// Endings that say "image". What a file is, its bytes say; an ending only makes its absence an error.
    public static let imageExtensions: Set<String> = ["jpg", "jpeg", "jpe", "jfif", "jif", "png"]

    /// The images that a manifest names for a study, in bag order.
    func namedImages(ofStudy study: String) -> [String]? { imagePaths.map { ($0[study] ?? [:]).keys.sorted() } }

    /// What lies in a study's folder; nil when it has none.
    /// - Throws: `ArchiveError`.
    func listing(ofStudy study: String) throws -> BagListing? {
        let folder: URL
        do { folder = try archive.resolve("studies/" + study) } catch let error as ArchiveError
            where error.code == .notFound
        {
            return nil
        }
        do { return try BagListing(folder) } catch let error as ArchiveError {
            throw ArchiveError(
                error.code,
                "centre \(archive.name): the folder of study \(study) cannot be listed (\(error.message)): may this user "
                    + "read it?")
        }
    }

    /// The files of a study that may be images, in bag order (by name); empty when it has no folder.
    /// - Throws: `ArchiveError`.
    public func images(ofStudy study: String) throws -> [String] {
        try namedImages(ofStudy: study) ?? listing(ofStudy: study)?.files ?? []
    }

    /// Where an image lies, links followed.
    /// - Throws: `ArchiveError` for a name that is unsafe, absent, or leads out of the centre's folder.
    public func imageURL(study: String, image: String) throws -> URL {
        guard SafeName.isComponent(study), SafeName.isComponent(image) else {
            throw ArchiveError(.unsafeName, "centre \(archive.name): a study's or image's name is not a plain file name")
        }
        if let imagePaths {
            guard let path = imagePaths[study]?[image] else {
                throw ArchiveError(.notFound, "centre \(archive.name): study \(study) has no image \(image)")
            }
            return try resolve(path, study: study, image: image)
        }
        return try resolve("studies/\(study)/\(image)", study: study, image: image)
    }

    private func resolve(_ path: String, study: String, image: String) throws -> URL {
        do { return try archive.resolve(path) } catch let error as ArchiveError where error.code == .notFound {
            throw ArchiveError(.notFound, "centre \(archive.name): study \(study) has no image \(image)")
        }
    }

    /// The bytes of an image file.
    /// - Throws: `ArchiveError`.
    public func imageData(study: String, image: String) throws -> Data {
        let url = try imageURL(study: study, image: image)
        do { return try Data(contentsOf: url) } catch {
            throw ArchiveError(.unreadable, "centre \(archive.name): \(study)/\(image) cannot be read")
        }
    }

    static func pathExtension(_ name: String) -> String {
        name.lastIndex(of: ".").map { String(name[name.index(after: $0)...]).lowercased() } ?? ""
    }
}
