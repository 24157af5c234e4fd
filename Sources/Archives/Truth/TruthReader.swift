import Foundation
import Imaging

/// What is known about a centre's studies and images, for evaluation. Nothing else in the program opens these files:
/// training and scoring never see them.
///
/// What is wrong with them never stops the rest: rows that cannot be believed are `issues`, a mask that cannot be read
/// throws for its own image alone.
public struct TruthReader: Sendable {
    public let centre: CentreArchive
    /// By study; empty without `studies.csv`.
    public let studies: [String: StudyTruth]
    /// Whether an image shows a polyp, by study and image as `truth.csv` names them; empty without it.
    public let images: [String: [String: Bool]]
    /// What is wrong with the two tables. An error of a whole table names no row.
    public let issues: [ArchiveIssue]
    /// Rows, and studies, by name as it is looked up.
    private let rows: [String: [String: Bool]]
    private let foldedStudies: [String: StudyTruth]
    private let folders: TruthFolders

    public struct StudyTruth: Sendable, Hashable {
        /// Whether the examination's images show a polyp.
        public var polyp: Bool?
        /// What the report says: `yes`, `no`, `uncertain`.
        public var report: String?
        public var pathology: String?
    }

    /// Whether the centre brings any truth along.
    public static func exists(in centre: CentreArchive) -> Bool {
        ["studies.csv", "truth.csv", "truth"].contains {
            FileManager.default.fileExists(atPath: centre.directory.appendingPathComponent($0).path)
        }
    }

    /// Reads the centre's truth tables; a table that is absent, or is none, leaves its part empty.
    public init(_ centre: CentreArchive) {
        var tables = TruthTables(centre: centre)
        tables.readStudies()
        tables.readImages()
        self.centre = centre
        studies = tables.studies
        images = tables.images
        rows = tables.images.reduce(into: [:]) { rows, entry in
            rows[Self.folded(entry.key), default: [:]].merge(entry.value) { first, _ in first }
        }
        foldedStudies = tables.studies.sorted { $0.key < $1.key }.reduce(into: [:]) { studies, entry in
            let name = Self.folded(entry.key)
            if studies[name] == nil { studies[name] = entry.value }
        }
        issues = tables.issues
        folders = TruthFolders(in: centre.directory.appendingPathComponent("truth"))
    }

    /// What `studies.csv` says of a study; nil where it says nothing.
    public func truth(ofStudy study: String) -> StudyTruth? {
        studies[study] ?? foldedStudies[Self.folded(study)]
    }

    /// What `truth.csv` says of a study's images, by the names in it.
    public func rows(ofStudy study: String) -> [String: Bool] { rows[Self.folded(study)] ?? [:] }

    /// Whether an image shows a polyp: what `truth.csv` says of it, or else whether its mask shows one; nil: not known.
    ///
    /// A row may name the image without its extension or with another, in another case, or behind its folder.
    /// - Throws: as `mask(study:image:)`.
    public func showsPolyp(study: String, image: String) throws -> Bool? {
        if let told = toldPolyp(study: study, image: image) { return told }
        return try mask(study: study, image: image).map { !$0.isEmpty }
    }

    /// What `truth.csv` itself says of an image; nil where no row names it, or several that contradict each other do.
    public func toldPolyp(study: String, image: String) -> Bool? {
        let rows = rows(ofStudy: study)
        if let exact = rows[image] { return exact }
        for fold in [Self.folded, { Self.folded(Self.stem($0)) }] {
            let matches = rows.filter { fold($0.key) == fold(image) && !isAnother($0.key, of: study) }
            if let said = matches.values.first { return matches.values.allSatisfy { $0 == said } ? said : nil }
        }
        return nil
    }

    /// Whether a row's name, which is not quite an image's, is that of another image of the bag.
    private func isAnother(_ name: String, of study: String) -> Bool {
        (try? centre.resolve("studies/\(study)/\(name)")) != nil
    }

    /// The mask of an image; nil where there is none.
    ///
    /// - Throws: `ArchiveError` for a name that is unsafe or leads out of the archive, for several files that may be the
    ///   image's, and for a mask that may mean two things; `ImagingError` for one that cannot be read.
    public func mask(study: String, image: String) throws -> TruthMask? {
        guard let url = try maskURL(study: study, image: image) else { return nil }
        return try TruthMask(contentsOf: url)
            .named(otherwise: url.lastPathComponent != Self.stem(image) + ".png")
    }

    /// Where an image's mask lies: `truth/<study>/NN.png`, or a name that says the same (`MaskNames`); nil where there is
    /// none.
    ///
    /// - Throws: `ArchiveError` as `mask(study:image:)`.
    public func maskURL(study: String, image: String) throws -> URL? {
        guard SafeName.isComponent(study), SafeName.isComponent(image) else {
            throw ArchiveError(.unsafeName, "centre \(centre.name): a study's or image's name is not a plain file name")
        }
        guard let folder = try resolve("truth/" + study) ?? otherFolder(of: study) else { return nil }
        let names = MaskNames(image: image, siblings: { try siblings(of: image, study: study) })
        guard let file = try names.choose(from: Self.files(in: folder), isPositive: { toldPolyp(study: study, image: $0) })
        else { return nil }
        return try resolve("truth/\(folder.lastPathComponent)/\(file)")
    }

    /// Files in a study's folder of masks; empty where there is none.
    func maskFiles(ofStudy study: String) throws -> [String] {
        guard let folder = try resolve("truth/" + study) ?? otherFolder(of: study) else { return [] }
        return Self.files(in: folder)
    }

    /// A folder whose name is the study's in other code points: file systems may write umlauts decomposed.
    private func otherFolder(of study: String) throws -> URL? {
        guard let name = folders.name(of: Self.folded(study)) else { return nil }
        return try resolve("truth/" + name)
    }

    private func resolve(_ path: String) throws -> URL? {
        do { return try centre.resolve(path) } catch let error as ArchiveError where error.code == .notFound { return nil }
    }

    private static func files(in folder: URL) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? [])
            .filter { !$0.hasPrefix(".") && SafeName.isComponent($0) }.sorted()
    }

    /// Other images of the bag that differ from this one in their extension alone.
    private func siblings(of image: String, study: String) throws -> [String] {
        guard let folder = try resolve("studies/" + study) else { return [] }
        let stem = Self.folded(Self.stem(image))
        return Self.files(in: folder).filter { name in
            name != image && Self.folded(name) != Self.folded(image) && Self.folded(Self.stem(name)) == stem
                && (try? ImageProbe(contentsOf: folder.appendingPathComponent(name))) != nil
        }
    }

    /// The name without its extension. What follows the last point of a number, as in `1.2.840.10008`, is none.
    static func stem(_ name: String) -> String {
        guard let point = name.lastIndex(of: ".") else { return name }
        let ending = name[name.index(after: point)...]
        let isExtension =
            (2...5).contains(ending.count) && ending.first?.isLetter == true
            && ending.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber) }
        return isExtension ? String(name[..<point]) : name
    }

    /// The name as it is compared: composed, in lower case.
    static func folded(_ name: String) -> String { name.precomposedStringWithCanonicalMapping.lowercased() }
}
