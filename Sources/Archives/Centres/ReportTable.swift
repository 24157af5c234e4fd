import Foundation

/// `reports.jsonl` or `reports.csv` of a centre.
struct ReportTable {
    let centre: CentreArchive

    /// One row, before anything is believed.
    struct Row {
        var line: Int
        var study: String?
        var patient: String?
        var text: String?
        var label: String?
        var split: String?
        var language: String?
        var pathology: String?
        var other: [String: String] = [:]
    }

    func index() throws -> CentreIndex {
        let lines = centre.directory.appendingPathComponent("reports.jsonl")
        let table = centre.directory.appendingPathComponent("reports.csv")
        let manager = FileManager.default
        let (file, rows, problems): (String, [Row], [TableProblem])
        if manager.fileExists(atPath: lines.path) {
            file = "reports.jsonl"
            (rows, problems) = try Self.readLines(lines)
        } else if manager.fileExists(atPath: table.path) {
            file = "reports.csv"
            (rows, problems) = try Self.readTable(table)
        } else {
            throw ArchiveError(
                .notFound, "centre \(centre.name): neither reports.jsonl nor reports.csv in \(centre.directory.path)")
        }
        var builder = StudyRecordBuilder(centre: centre.name, file: file)
        builder.add(problems: problems)
        for row in rows { builder.add(row) }
        return CentreIndex(archive: centre, records: builder.finish(), issues: builder.issues)
    }

    private static func readTable(_ url: URL) throws -> ([Row], [TableProblem]) {
        let table = try CSVTable(contentsOf: url)
        try table.require(["study", "patient", "text"], file: "reports.csv")
        let known: Set = ["study", "patient", "text", "label", "split", "language", "pathology"]
        let rows = table.rows.map { row in
            Row(
                line: row.line, study: row["study"], patient: row["patient"], text: row["text"], label: row["label"],
                split: row["split"], language: row["language"], pathology: row["pathology"],
                other: row.fields.filter { !known.contains($0.key) })
        }
        return (rows, table.problems)
    }

    private static func readLines(_ url: URL) throws -> ([Row], [TableProblem]) {
        let lines = try JSONLines<ReportLine>(contentsOf: url)
        let rows = lines.records.map { line, record in
            Row(
                line: line, study: record.study, patient: record.patient, text: record.text, label: record.label,
                split: record.split, language: record.language, pathology: record.pathology)
        }
        return (rows, lines.problems)
    }
}

/// A line of `reports.jsonl`; identifiers may be written as numbers.
private struct ReportLine: Decodable {
    var study: String
    var patient: String?
    var text: String?
    var label: String?
    var split: String?
    var language: String?
    var pathology: String?

    enum CodingKeys: String, CodingKey { case study, patient, text, label, split, language, pathology }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        study = try Self.identifier(container, .study) ?? ""
        patient = try Self.identifier(container, .patient)
        text = try container.decodeIfPresent(String.self, forKey: .text)
        label = try Self.identifier(container, .label)
        split = try container.decodeIfPresent(String.self, forKey: .split)
        language = try container.decodeIfPresent(String.self, forKey: .language)
        pathology = try container.decodeIfPresent(String.self, forKey: .pathology)
        if study.isEmpty, !container.contains(.study) {
            throw DecodingError.keyNotFound(CodingKeys.study, .init(codingPath: [], debugDescription: ""))
        }
    }

    private static func identifier(
        _ container: KeyedDecodingContainer<CodingKeys>, _ key: CodingKeys
    ) throws -> String? {
        if let number = try? container.decodeIfPresent(Int64.self, forKey: key) { return String(number) }
        return try container.decodeIfPresent(String.self, forKey: key)
    }
}
