import Foundation

/// What is known about a centre's studies and images, for evaluation. Nothing else in the program opens these files:
/// training and scoring never see them.
public struct TruthReader: Sendable {
    public let centre: CentreArchive
    /// By study; empty without `studies.csv`.
    public let studies: [String: StudyTruth]
    /// Whether an image shows a polyp, by study and image; empty without `truth.csv`.
    public let images: [String: [String: Bool]]

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

    /// Reads the centre's truth tables; a table that is absent leaves its part empty.
    /// - Throws: `ArchiveError` when a table is there and cannot be believed.
    public init(_ centre: CentreArchive) throws {
        self.centre = centre
        var studies: [String: StudyTruth] = [:]
        for row in try Self.rows("studies.csv", of: centre, columns: ["study"]) {
            guard let study = row["study"] else { continue }
            studies[study] = StudyTruth(
                polyp: try Self.flag(row, "polyp", file: "studies.csv"), report: row["report"], pathology: row["pathology"])
        }
        var images: [String: [String: Bool]] = [:]
        for row in try Self.rows("truth.csv", of: centre, columns: ["study", "image", "polyp"]) {
            guard let study = row["study"], let image = row["image"] else { continue }
            images[study, default: [:]][image] = try Self.flag(row, "polyp", file: "truth.csv")
        }
        self.studies = studies
        self.images = images
    }

    /// Whether an image shows a polyp: what `truth.csv` says of it, or else yes where there is a mask; nil: not known.
    /// - Throws: as `maskURL`.
    public func showsPolyp(study: String, image: String) throws -> Bool? {
        try images[study]?[image] ?? (maskURL(study: study, image: image) == nil ? nil : true)
    }

    /// The mask of an image (PNG, above 127 is polyp); nil where there is none.
    /// - Throws: `ArchiveError` for a name that is unsafe or leads out of the archive.
    public func maskURL(study: String, image: String) throws -> URL? {
        let stem = image.lastIndex(of: ".").map { String(image[..<$0]) } ?? image
        do { return try centre.resolve("truth/\(study)/\(stem).png") } catch let error as ArchiveError
            where error.code == .notFound
        {
            return nil
        }
    }

    private static func rows(_ file: String, of centre: CentreArchive, columns: [String]) throws -> [CSVTable.Row] {
        let url = centre.directory.appendingPathComponent(file)
        guard FileManager.default.fileExists(atPath: url.path) else { return [] }
        let table = try CSVTable(contentsOf: url, file: "\(centre.name)/\(file)")
        try table.require(columns, file: "\(centre.name)/\(file)")
        if let problem = table.problems.first {
            throw ArchiveError(.badTable, "\(centre.name)/\(file), line \(problem.line): \(problem.message)")
        }
        return table.rows
    }

    private static func flag(_ row: CSVTable.Row, _ column: String, file: String) throws -> Bool? {
        switch row[column] {
        case nil: nil
        case "1": true
        case "0": false
        default: throw ArchiveError(.badTable, "\(file), line \(row.line): `\(column)` is neither 0 nor 1")
        }
    }
}
