import Foundation

/// An archive in which every column of every table, every report and many names hold words that occur nowhere else.
/// Where such a word turns up outside the archive, the program has passed on what a centre's file holds.
struct CanaryArchive {
    /// What must leave the centre's files under no circumstances.
    static let secret = "QZsecret"
    /// Names of studies and images: results and the ledger name rows by them. Logs, status and the database's log need not.
    static let name = "QZname"

    let folder: URL
    /// Centres whose tables cannot be read as a whole.
    private(set) var brokenCentres: [String] = []

    /// Two centres that can be read, made by `endoked synth` and then planted, and one for each way to be unreadable.
    init(in parent: URL) throws {
        folder = parent.appendingPathComponent("archive")
        let made = try EndokedProcess.run("synth", folder.path, "--seed", "9", "--studies", "6", "--centres", "2")
        guard made.status == 0 else { throw CocoaError(.fileWriteUnknown) }
        for centre in try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() {
            try plant(folder.appendingPathComponent(centre))
        }
        for (kind, bytes) in Self.brokenTables.sorted(by: { $0.key < $1.key }) {
            let centre = folder.appendingPathComponent("broken-" + kind)
            let study = centre.appendingPathComponent("studies/S1")
            try FileManager.default.createDirectory(at: study, withIntermediateDirectories: true)
            try Data("\(Self.secret)picture".utf8).write(to: study.appendingPathComponent("01.jpg"))
            try bytes.write(to: centre.appendingPathComponent(kind.hasPrefix("lines") ? "reports.jsonl" : "reports.csv"))
            brokenCentres.append(centre.lastPathComponent)
        }
    }

    /// Rewrites a sound centre: words in patients, texts, columns nobody asked for, truth tables and names.
    private func plant(_ centre: URL) throws {
        let reports = centre.appendingPathComponent("reports.jsonl")
        var lines: [String] = []
        for (index, line) in try String(contentsOf: reports, encoding: .utf8).split(separator: "\n").enumerated() {
            guard var row = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any] else { continue }
            row["patient"] = Self.secret + "Patient\(index)"
            row["text"] = "\(row["text"] as? String ?? "") Dr \(Self.secret)Doctor, born 1.2.1950, file \(Self.secret)4711."
            row["physician"] = Self.secret + "Physician"
            row[Self.secret + "Column"] = "x"
            if index % 5 == 1 { row["split"] = Self.secret + "Split" }
            if index % 5 == 2 { row["language"] = Self.secret + "Language" }
            if index % 5 == 3 { row["label"] = Self.secret + "Label" }
            if index % 5 == 4 { row["pathology"] = Self.secret + "Pathology" }
            lines.append(String(decoding: try JSONSerialization.data(withJSONObject: row, options: [.sortedKeys]), as: UTF8.self))
        }
        lines.append("{\"study\": \"broken\", \"patient\": \"\(Self.secret)P\", \"text\": \"\(Self.secret)Unfinished")
        lines.append("{\"study\": 1.5, \"patient\": \"\(Self.secret)P\", \"text\": [\"\(Self.secret)List\"]}")
        lines.append("\(Self.secret)NotJSON at all")
        lines.append("{\"study\": \"../\(Self.name)Up\", \"patient\": \"p\", \"text\": \"x\"}")
        try (lines.joined(separator: "\n") + "\n").write(to: reports, atomically: true, encoding: .utf8)

        try plantTable(centre.appendingPathComponent("truth.csv"), badColumn: "polyp")
        try plantTable(centre.appendingPathComponent("studies.csv"), badColumn: "polyp")

        let studies = centre.appendingPathComponent("studies")
        for (index, study) in try FileManager.default.contentsOfDirectory(atPath: studies.path).sorted().enumerated() {
            let bag = studies.appendingPathComponent(study)
            try Data("\(Self.secret)Inside".utf8).write(to: bag.appendingPathComponent("09\(Self.name)\(index).jpg"))
            try Data("\(Self.secret)Inside".utf8).write(to: bag.appendingPathComponent("\(Self.name)\(index).txt"))
        }
        try Data("\(Self.secret)".utf8).write(to: centre.appendingPathComponent("\(Self.secret)Letter.txt"))
        let stray = studies.appendingPathComponent("\(Self.name)Folder")
        try FileManager.default.createDirectory(at: stray, withIntermediateDirectories: true)
        let masks = centre.appendingPathComponent("truth")
        for study in (try? FileManager.default.contentsOfDirectory(atPath: masks.path)) ?? [] {
            try Data("\(Self.secret)Mask".utf8).write(to: masks.appendingPathComponent(study).appendingPathComponent("01.png"))
        }
    }

    /// A column that nobody asked for, and a value that cannot be understood in every third row.
    private func plantTable(_ url: URL, badColumn: String) throws {
        guard let text = try? String(contentsOf: url, encoding: .utf8) else { return }
        var rows = text.split(whereSeparator: \.isNewline).map {
            $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        }
        guard let column = rows.first?.firstIndex(of: badColumn) else { return }
        for index in rows.indices {
            rows[index].append(index == 0 ? Self.secret + "Heading" : Self.secret + "Remark")
            if index % 3 == 2 { rows[index][column] = Self.secret + "Value" }
        }
        rows.append([Self.secret + "Study", Self.secret + "Image", "1"])
        try (rows.map { $0.joined(separator: ",") }.joined(separator: "\n") + "\n").write(to: url, atomically: true, encoding: .utf8)
    }

    /// Tables whose first lines hold no heading, or that are no tables at all.
    private static var brokenTables: [String: Data] {
        let row = "4711,\(secret)Name,\"\(secret)Finding, 5 mm\"\n4712,\(secret)Other,\(secret)Second\n"
        let heading = "study,patient,text\n"
        return [
            "csv-no-heading": Data(row.utf8),
            "csv-no-heading-cr": Data(row.replacingOccurrences(of: "\n", with: "\r").utf8),
            "csv-no-heading-semicolon": Data(row.replacingOccurrences(of: ",", with: ";").utf8),
            "csv-no-heading-tab": Data(row.replacingOccurrences(of: ",", with: "\t").utf8),
            "csv-open-quote": Data((heading + "S1,\(secret)P,\"\(secret)never ends\n" + row).utf8),
            "csv-other-columns": Data(("bag,\(secret)Heading,report\n" + row).utf8),
            "csv-twice": Data(("study,patient,text,text\nS1,\(secret)P,\(secret)A,\(secret)B\n").utf8),
            "csv-latin": Data(heading.utf8) + Data("S1,\(secret)M".utf8) + Data([0xFC]) + Data("ller,\(secret)Text\n".utf8),
            "csv-utf16": (heading + row).data(using: .utf16LittleEndian) ?? Data(),
            "csv-binary": Data((0..<512).map { UInt8($0 % 256) }) + Data(row.utf8),
            "lines-array": Data("[{\"study\": \"S1\", \"text\": \"\(secret)Array\"}]\n".utf8),
            "lines-types": Data("{\"study\": {\"\(secret)Key\": 1}, \"patient\": true, \"text\": \"\(secret)T\"}\n".utf8),
            "lines-cut": Data("{\"study\": \"S1\", \"patient\": \"\(secret)P\", \"text\": \"\(secret)Cut".utf8),
        ]
    }
}
