import Foundation

/// `manifest.csv`: for archives whose files lie otherwise. One row an image, or one a study with a pattern.
/// Paths may be written with backslashes, and begin with `./`.
///
/// Columns: `bag_id` (the study), `centre`, `patient_hash`, `report_path` (a text file), `image_path` (a file, or a pattern
/// with `*` and `?` in its last component); optional `exam_date`, `label`, `split`, `language`, `pathology`,
/// `process` (0 leaves the study out). Others are kept. Paths are relative to the manifest's folder and stay inside it.
struct Manifest {
    private let url: URL
    private let table: CSVTable

    init(contentsOf url: URL) throws {
        self.url = url
        table = try CSVTable(contentsOf: url)
        try table.require(["bag_id", "centre", "patient_hash", "report_path", "image_path"], file: "manifest.csv")
    }

    /// Centres that the manifest names, sorted.
    var centres: [String] { Set(table.rows.compactMap { $0["centre"] }).sorted() }

    func index(of centre: CentreArchive) -> CentreIndex {
        var builder = StudyRecordBuilder(centre: centre.name, file: "manifest.csv")
        builder.add(problems: table.problems)
        let known: Set = [
            "bag_id", "centre", "patient_hash", "report_path", "image_path", "label", "split", "language", "pathology",
            "process",
        ]
        var paths: [String: [String: String]] = [:]
        var lines: [String: [String: Int]] = [:]
        var seen: [String: CSVTable.Row] = [:]
        for row in table.rows where row["centre"] == centre.name {
            let study = row["bag_id"] ?? ""
            let isFirst = seen[study] == nil
            if let first = seen[study], ["patient_hash", "report_path", "split", "label"].contains(where: { first[$0] != row[$0] }) {
                builder.report(
                    .error, study: study, row: row.line, "duplicate-study",
                    "the row contradicts line \(first.line) in patient, report, split or label, and its images are left out")
                continue
            }
            if isFirst {
                seen[study] = row
                builder.add(
                    ReportTable.Row(
                        line: row.line, study: study, patient: row["patient_hash"],
                        text: reportText(row, study: study, centre: centre, builder: &builder), label: row["label"],
                        split: row["split"], language: row["language"], pathology: row["pathology"],
                        other: row.fields.filter { !known.contains($0.key) }),
                    isProcessed: isProcessed(row, study: study, builder: &builder))
            }
            guard SafeName.isComponent(study), let pattern = row["image_path"].map(Self.plainPath) else { continue }
            for path in expand(pattern, row: row, study: study, centre: centre, builder: &builder) {
                let name = path.split(separator: "/").last.map(String.init) ?? path
                if let other = paths[study]?[name], other != path {
                    builder.report(
                        .error, study: study, row: row.line, "duplicate-image",
                        "the row's image has the same file name as another of the study, which counts: rename one of them")
                    continue
                }
                paths[study, default: [:]][name] = path
                lines[study, default: [:]][name] = row.line
            }
        }
        let records = builder.finish()
        return CentreIndex(archive: centre, records: records, issues: builder.issues, imagePaths: paths, imageLines: lines)
    }

    /// The path as this system writes it.
    private static func plainPath(_ cell: String) -> String {
        cell.replacing("\\", with: "/").split(separator: "/", omittingEmptySubsequences: false)
            .filter { $0 != "." }.joined(separator: "/")
    }

    private func isProcessed(_ row: CSVTable.Row, study: String, builder: inout StudyRecordBuilder) -> Bool {
        guard let word = row["process"] else { return true }
        if let flag = TruthWord.parse(word) { return flag }
        builder.report(
            .warning, study: study, row: row.line, "unknown-process",
            "`process` is neither 0 nor 1, and the study takes part: correct it")
        return true
    }

    private func reportText(
        _ row: CSVTable.Row, study: String, centre: CentreArchive, builder: inout StudyRecordBuilder
    ) -> String? {
        guard let path = row["report_path"].map(Self.plainPath) else { return nil }
        do {
            let data = try Data(contentsOf: try centre.resolve(path), options: .mappedIfSafe)
            guard let text = TableText.whole(data) else {
                builder.report(
                    .warning, study: study, row: row.line, "bad-encoding",
                    "the report's file is not UTF-8 and is not read: \(TableText.conversion)")
                return nil
            }
            return text
        } catch {
            builder.report(
                .warning, study: study, row: row.line, "missing-report",
                "the report's file is not there, cannot be read, or leads out of the manifest's folder")
            return nil
        }
    }

    /// The files that a path or pattern names, relative to the centre's folder.
    private func expand(
        _ pattern: String, row: CSVTable.Row, study: String, centre: CentreArchive, builder: inout StudyRecordBuilder
    ) -> [String] {
        guard SafeName.isRelativePath(pattern) else {
            builder.report(
                .error, study: study, row: row.line, "unsafe-name",
                "the image path is absolute or holds ..: write it relative to the manifest's folder")
            return []
        }
        guard pattern.contains("*") || pattern.contains("?") else { return [pattern] }
        let parts = pattern.split(separator: "/").map(String.init)
        let folder = parts.dropLast().joined(separator: "/")
        let directory = folder.isEmpty ? centre.directory : try? centre.resolve(folder)
        let names = directory.flatMap { try? FolderNames($0.path).names } ?? []
        let matches = names.filter { Self.matches(Array($0), Array(parts.last ?? "")) && !$0.hasPrefix(".") }.sorted()
        if matches.isEmpty {
            builder.report(
                .warning, study: study, row: row.line, "no-match", "no file matches the pattern in `image_path`")
        }
        return matches.map { folder.isEmpty ? $0 : folder + "/" + $0 }
    }

    /// Whether `name` fits `pattern`, in which `*` is any run of characters and `?` any one.
    static func matches(_ name: [Character], _ pattern: [Character]) -> Bool {
        var (n, p, star, mark) = (0, 0, -1, 0)
        while n < name.count {
            if p < pattern.count, pattern[p] == "*" {
                (star, mark) = (p, n)
                p += 1
            } else if p < pattern.count, pattern[p] == "?" || pattern[p] == name[n] {
                n += 1
                p += 1
            } else if star >= 0 {
                mark += 1
                (n, p) = (mark, star + 1)
            } else {
                return false
            }
        }
        return pattern[p...].allSatisfy { $0 == "*" }
    }
}
