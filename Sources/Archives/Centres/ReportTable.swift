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

/// A line of `reports.jsonl`; identifiers may be written as numbers, labels as truth values, names of fields in any case.
private struct ReportLine: Decodable {
    var study: String
    var patient: String?
    var text: String?
    var label: String?
    var split: String?
    var language: String?
    var pathology: String?

    /// A field that this program knows; what the line calls its others is nobody's business.
    private struct Field: CodingKey {
        var stringValue: String
        init(stringValue: String) { self.stringValue = stringValue }
        var intValue: Int? { nil }
        init?(intValue: Int) { nil }
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Field.self)
        let known: Set = ["study", "patient", "text", "label", "split", "language", "pathology"]
        var keys: [String: Field] = [:]
        for key in container.allKeys {
            let name = key.stringValue.lowercased()
            if known.contains(name), keys[name] == nil || key.stringValue == name { keys[name] = key }
        }
        /// Text, or a number or truth value as it is written.
        func value(_ name: String) throws -> String? {
            guard let key = keys[name], !(try container.decodeNil(forKey: key)) else { return nil }
            if let text = try? container.decode(String.self, forKey: key) { return text }
            if let flag = try? container.decode(Bool.self, forKey: key) { return String(flag) }
            if let number = try? container.decode(Int64.self, forKey: key) { return String(number) }
            if let number = try? container.decode(Double.self, forKey: key) { return String(number) }
            throw DecodingError.typeMismatch(
                String.self, .init(codingPath: [Field(stringValue: name)], debugDescription: "neither text nor a number"))
        }
        guard keys["study"] != nil else {
            throw DecodingError.keyNotFound(Field(stringValue: "study"), .init(codingPath: [], debugDescription: ""))
        }
        study = try value("study") ?? ""
        patient = try value("patient")
        text = try keys["text"].flatMap { try container.decodeIfPresent(String.self, forKey: $0) }
        label = try value("label")
        split = try value("split")
        language = try value("language")
        pathology = try value("pathology")
    }
}
