import Foundation

/// Reads `studies.csv` and `truth.csv`: what they say, and what of it cannot be believed.
struct TruthTables {
    let centre: CentreArchive
    private(set) var studies: [String: TruthReader.StudyTruth] = [:]
    private(set) var images: [String: [String: Bool]] = [:]
    private(set) var issues: [ArchiveIssue] = []

    init(centre: CentreArchive) { self.centre = centre }

    mutating func readStudies() {
        let file = "studies.csv"
        for row in rows(file, columns: ["study"]) {
            guard let study = self.study(of: row, file: file) else { continue }
            let truth = TruthReader.StudyTruth(
                polyp: flag(row, "polyp", study: study, file: file), report: report(row, study: study, file: file),
                pathology: row["pathology"])
            if let earlier = studies[study], earlier != truth {
                report(
                    .error, study: study, file, row.line, "contradicting-truth",
                    "an earlier row says otherwise of the study, and counts: take one of them out")
                continue
            }
            studies[study] = truth
        }
    }

    mutating func readImages() {
        let file = "truth.csv"
        var torn: Set<[String]> = []
        for row in rows(file, columns: ["study", "image", "polyp"]) {
            guard let study = self.study(of: row, file: file) else { continue }
            guard let image = row["image"].flatMap(Self.fileName) else {
                report(.error, study: study, file, row.line, "no-image", "the row names no image by a plain file name")
                continue
            }
            guard let polyp = flag(row, "polyp", study: study, file: file) else { continue }
            if let earlier = images[study]?[image], earlier != polyp {
                torn.insert([study, image])
                report(
                    .error, study: study, file, row.line, "contradicting-truth",
                    "an earlier row says the opposite of the image, which is left out: take one of them out")
            }
            images[study, default: [:]][image] = polyp
        }
        for pair in torn { images[pair[0]]?[pair[1]] = nil }
    }

    private mutating func rows(_ file: String, columns: [String]) -> [CSVTable.Row] {
        let url = centre.directory.appendingPathComponent(file)
        guard FileManager.default.fileExists(atPath: url.path) else { return [] }
        do {
            let table = try CSVTable(contentsOf: url, file: file)
            try table.require(columns, file: file)
            for problem in table.problems { report(.error, file, problem.line, problem.code, problem.message) }
            return table.rows
        } catch {
            let known = error as? ArchiveError
            report(.error, file, nil, known?.code.description ?? "unreadable", known?.message ?? "\(file) cannot be read")
            return []
        }
    }

    private mutating func study(of row: CSVTable.Row, file: String) -> String? {
        guard let study = row["study"], SafeName.isComponent(study) else {
            report(.error, file, row.line, "no-study", "the row names no study by a plain name")
            return nil
        }
        return study
    }

    /// The last component of what the row says: some tables write the folder before it.
    private static func fileName(_ cell: String) -> String? {
        let name = cell.split { $0 == "/" || $0 == "\\" }.last.map(String.init) ?? ""
        return SafeName.isComponent(name) ? name : nil
    }

    private mutating func flag(_ row: CSVTable.Row, _ column: String, study: String, file: String) -> Bool? {
        guard let word = row[column], !TruthWord.isUnknown(word) else { return nil }
        if let flag = TruthWord.parse(word) { return flag }
        report(
            .error, study: study, file, row.line, "unknown-truth",
            "`\(column)` is neither 0 nor 1 (nor false or true, no or yes), and is not used")
        return nil
    }

    private mutating func report(_ row: CSVTable.Row, study: String, file: String) -> String? {
        guard let word = row["report"] else { return nil }
        if let flag = TruthWord.parse(word) { return flag ? "yes" : "no" }
        if TruthWord.isUnknown(word) { return word.lowercased() == "uncertain" ? "uncertain" : nil }
        report(
            .error, study: study, file, row.line, "unknown-truth",
            "`report` is none of yes, no, uncertain, and is not used")
        return nil
    }

    private mutating func report(
        _ severity: ArchiveIssue.Severity, study: String? = nil, _ file: String, _ row: Int?, _ code: String,
        _ message: String
    ) {
        issues.append(
            ArchiveIssue(
                severity, centre: centre.name, study: study, file: file, row: row, code: code, message: message))
    }
}
