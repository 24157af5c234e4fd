import Foundation
import Testing

/// No word that a centre's files hold beyond their structure comes out of the centre: canaries in every column of every table,
/// in report texts, truth tables and masks, in good files and in broken ones; then everything that was written is searched.
@Suite(.serialized) struct TableCanaryTests {
    private static let canary = "Kanarienvogel"

    private let folder: URL
    private var archive: URL { folder.appendingPathComponent("archive") }

    init() throws { folder = try TemporaryFolder.make() }

    private func write(_ path: String, _ text: String) throws {
        let url = archive.appendingPathComponent(path)
        try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: url)
    }

    /// Where a canary sings in what a process said.
    private func expectSilence(_ process: EndokedProcess, _ what: String) {
        for line in (process.output + "\n" + process.errors).split(separator: "\n") where line.contains(Self.canary) {
            Issue.record("\(what) says: \(line)")
        }
    }

    /// A centre of six studies with images; its tables hold canaries wherever a cell is not meant to come out.
    private func makeCentre(_ name: String) throws {
        let made = try EndokedProcess.run(
            "synth", folder.appendingPathComponent("made").path, "--seed", "3", "--studies", "6", "--centres", "1")
        try #require(made.status == 0, "\(made.errors)")
        let source = try #require(
            try FileManager.default.contentsOfDirectory(at: folder.appendingPathComponent("made"), includingPropertiesForKeys: nil).first)
        let studies = source.appendingPathComponent("studies")
        let names = try FileManager.default.contentsOfDirectory(atPath: studies.path).sorted()
        var (reports, truth, known) = ("", "study,image,polyp,\(Self.canary)\n", "study,polyp,report,pathology,\(Self.canary)\n")
        for (number, study) in names.enumerated() {
            reports +=
                "{\"study\":\"\(study)\",\"patient\":\"\(Self.canary) \(number)\",\"split\":\"test\","
                + "\"text\":\"\(Self.canary): \(number % 2 == 0 ? "a 5 mm polyp in the sigmoid." : "No polyps.")\","
                + "\"pathology\":\"\(Self.canary)\",\"\(Self.canary)\":1}\n"
            truth += "\(study),01.jpg,\(number % 2),\(Self.canary)\n"
            known += "\(study),\(number % 2),\(number % 2 == 0 ? "yes" : "no"),\(Self.canary),\(Self.canary)\n"
        }
        // One of each kind of row that cannot be believed.
        let study = try #require(names.first)
        reports += "{\"study\":\"\(study)\",\"text\":\"\(Self.canary)\"}\n{\"text\":\"\(Self.canary)\"}\n{\"study\":\"\(Self.canary)\n"
        reports += "{\"study\":\"X\",\"text\":{\"\(Self.canary)\":\"\(Self.canary)\"}}\n\"\(Self.canary)\"\n"
        reports +=
            "{\"study\":\"Y\",\"patient\":\"y\",\"text\":\"y\",\"language\":\"\(Self.canary) is German\",\"label\":\"\(Self.canary)\"}\n"
        reports += "{\"study\":\"Z\",\"patient\":\"y\",\"text\":\"y\",\"split\":\"\(Self.canary)\"}\n"
        reports += "{\"study\":\"../\(Self.canary)\",\"patient\":\"y\",\"text\":\"y\"}\n"
        truth += "\(study),02.jpg,\(Self.canary),\n\(study),\(Self.canary)\n\(study),\"\(Self.canary),1,\n,\(Self.canary),1,\n"
        known += "\(study),\(Self.canary),\(Self.canary),\(Self.canary),\n"
        try write("\(name)/reports.jsonl", reports)
        try write("\(name)/truth.csv", truth)
        try write("\(name)/studies.csv", known)
        try write("\(name)/truth/\(study)/01.png", Self.canary)
        try FileManager.default.moveItem(at: studies, to: archive.appendingPathComponent("\(name)/studies"))
    }

    @Test func nothingOfACentresFilesIsSaidByAJob() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        try makeCentre("north")
        // A name that a spreadsheet would run.
        try FileManager.default.createDirectory(
            at: archive.appendingPathComponent("north/studies/=1+1"), withIntermediateDirectories: true)
        for arguments in [["archive", "check", archive.path], ["archive", "check", archive.path, "--json"]] {
            let check = try EndokedProcess.Running(arguments).wait()
            #expect(check.status == 3)
            expectSilence(check, arguments.joined(separator: " "))
        }
        let reports = archive.appendingPathComponent("north/reports.jsonl").path
        let label = try EndokedProcess.run("label", reports)
        #expect(label.status == 3)
        // A line's own key is the only thing of it that may stand in the answer.
        let answers = label.output.split(separator: "\n").filter { !$0.contains("\"study\":\"../") }.joined(separator: "\n")
        expectSilence(EndokedProcess(status: 0, output: answers, errors: label.errors), "label")

        let pipeline = folder.appendingPathComponent("pipeline.json5")
        try Data("{stages: [{stage: 'catalogue'}, {stage: 'labels'}, {stage: 'evaluate'}]}".utf8).write(to: pipeline)
        let out = folder.appendingPathComponent("out")
        let run = try EndokedProcess.run(
            "run", "--archive", archive.path, "--pipeline", pipeline.path, "--out", out.path, "--workers", "1", "--slots", "1")
        #expect(run.status == 3, "\(run.errors)")
        #expect(run.output.contains("labels report"), "\(run.output)")
        expectSilence(run, "run")
        // Results, logs, and the database's own files, its log among them.
        let files = FileManager.default.enumerator(at: out, includingPropertiesForKeys: nil)
        var searched = 0
        while let file = files?.nextObject() as? URL {
            guard let data = try? Data(contentsOf: file) else { continue }
            searched += 1
            if data.range(of: Data(Self.canary.utf8)) != nil { Issue.record("\(file.path) holds a canary") }
        }
        #expect(searched > 100)
        let items = try String(contentsOf: out.appendingPathComponent("items.csv"), encoding: .utf8)
        #expect(items.contains(",\"reports.jsonl, line ") && items.contains(",\"truth.csv, line "), "\(items)")
        #expect(items.contains("'=1+1") || items.contains("studies/=1+1"), "\(items)")
    }

    @Test func tablesThatAreNoneSayNothingOfThemselves() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let row = "4711,\(Self.canary) Max,\"Polyp \(Self.canary), 5 mm\""
        let tables: [(String, String)] = [
            ("reports.csv", row + "\n" + row + "\n"), ("reports.csv", row.replacing("\n", with: "") + "\r" + row + "\r"),
            ("reports.csv", row.replacing(",", with: ";") + "\n"), ("reports.csv", "\(Self.canary),\(Self.canary),text\n"),
            ("reports.csv", "\"\(Self.canary)\n"), ("reports.csv", "study,patient,text\n\(row),\(Self.canary)\n\"\(Self.canary)\n"),
            ("reports.jsonl", row + "\n[\"\(Self.canary)\"]\n{\"\(Self.canary)\":\(Self.canary)}\n"),
            ("manifest.csv", row + "\n"),
            (
                "manifest.csv",
                "bag_id,centre,patient_hash,report_path,image_path,split\nA,c,\(Self.canary),\(Self.canary),\(Self.canary),\(Self.canary)\n"
                    + "B,c,p,\(Self.canary)/x,\(Self.canary)*.jpg,\nC,../\(Self.canary),p,x,x,\nB,c,\(Self.canary),x,/\(Self.canary),\n"
            ),
        ]
        for (number, (name, text)) in tables.enumerated() {
            try? FileManager.default.removeItem(at: archive)
            try write("c/\(name)", text)
            try write("c/studies/A/01.jpg", Self.canary)
            let root = name == "manifest.csv" ? archive.appendingPathComponent("c") : archive
            for arguments in [["archive", "check", root.path], ["archive", "check", root.path, "--json"]] {
                let check = try EndokedProcess.Running(arguments).wait()
                #expect(check.status == 3 || check.status == 5, "\(number)")
                expectSilence(check, "\(number): \(arguments.joined(separator: " "))")
            }
            let label = try EndokedProcess.run("label", archive.appendingPathComponent("c/\(name)").path)
            #expect(label.status == 3, "\(number)")
            expectSilence(label, "label of \(number)")
        }
    }
}
