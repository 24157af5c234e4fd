import Digest
import Foundation
import Ledger
import PostgreSQL
import Testing

/// `endoked results` from a ledger in which names stand that no archive could have.
@Suite(.serialized) struct ResultsTests {
    private struct Planted {
        let folder: URL
        let server: PrivateServer
        let database: String
        let ledger: Ledger
        let job: JobID

        init() throws {
            folder = try TemporaryFolder.make()
            server = try PrivateServer(stateFolder: folder.appendingPathComponent("pg"))
            database = try server.start()
            ledger = Ledger(connectionString: database)
            try ledger.migrate()
            _ = try ledger.acquireLeadership(holder: "test", timeToLive: .seconds(600), grace: .zero)
            job = try ledger.createJob(
                pipeline: Data(#"{"stages": []}"#.utf8), seed: 7, archive: "test", steps: [NewStep("catalogue"), NewStep("cam")])
        }

        func remove() {
            ledger.close()
            try? server.stop()
            try? FileManager.default.removeItem(at: folder)
        }

        func mask(_ kind: String, _ centre: String, _ study: String, _ image: String, _ content: String) throws -> ResultRow {
            .mask(
                MaskRow(
                    centre: centre, study: study, image: image, kind: kind,
                    blob: try ledger.putBlob(Data(content.utf8))))
        }

        func results(_ more: String...) throws -> EndokedProcess {
            let arguments = ["results", "--database", database, "--out", folder.appendingPathComponent("deep/er/out").path]
            return try EndokedProcess.Running(arguments + more).wait()
        }

        /// Every file but the server's, by its path.
        var files: [String] {
            (FileManager.default.enumerator(atPath: folder.path)?.compactMap { $0 as? String } ?? [])
                .filter { !$0.hasPrefix("pg") && $0.hasSuffix(".png") }.sorted()
        }
    }

    @Test func noRowIsWrittenOutsideOfOut() throws {
        let planted = try Planted()
        defer { planted.remove() }
        let bad = ["../../../x", "..", ".", "", "/tmp/x", "a/b", "\u{7}", String(repeating: "n", count: 400)]
        var rows = [try planted.mask("cam", "north", "s1", "01.jpg", "good")]
        for name in bad {
            if name != "" { rows.append(try planted.mask(name + "cam/..", "north", "s1", "01.jpg", "bad")) }
            rows.append(try planted.mask("cam", name, "s1", "01.jpg", "bad"))
            rows.append(try planted.mask("cam", "north", name, "01.jpg", "bad"))
            rows.append(try planted.mask("cam", "north", "s1", name, "bad"))
        }
        rows.append(try planted.mask("", "north", "s1", "01.jpg", "bad"))
        try planted.ledger.writeRows(job: planted.job, stage: "cam", rows)
        let process = try planted.results()
        #expect(process.status == 3, "\(process.errors)")
        #expect(process.errors.contains("\(rows.count - 1) files of cam were not written"), "\(process.errors)")
        #expect(planted.files == ["deep/er/out/cams/north/s1/01.png"])
        let items = try String(
            contentsOf: planted.folder.appendingPathComponent("deep/er/out/items.csv"), encoding: .utf8)
        #expect(items.components(separatedBy: "unsafe-name").count == rows.count)
    }

    @Test func featuresAreWrittenWhereTheyAreAskedFor() throws {
        let planted = try Planted()
        defer { planted.remove() }
        func row(_ study: String) throws -> ResultRow {
            .feature(FeatureRow(centre: "north", study: study, recipe: "any", blob: try planted.ledger.putBlob(Data(study.utf8))))
        }
        try planted.ledger.writeRows(job: planted.job, stage: "catalogue", [try row("s1"), try row("../../s2"), try row("s3")])
        let out = planted.folder.appendingPathComponent("deep/er/out")
        func written() -> [String] {
            (FileManager.default.enumerator(atPath: planted.folder.path)?.compactMap { $0 as? String } ?? [])
                .filter { $0.hasSuffix(".safetensors") }.sorted()
        }
        #expect(try planted.results().status == 0)
        #expect(written().isEmpty)
        let process = try planted.results("--features")
        #expect(process.status == 3 && process.errors.contains("1 files of catalogue were not written"), "\(process.errors)")
        #expect(written() == ["s1", "s3"].map { "deep/er/out/features/north/\($0).safetensors" })
        #expect(try Data(contentsOf: out.appendingPathComponent("features/north/s1.safetensors")) == Data("s1".utf8))
    }

    @Test func noModelIsWrittenOutsideOfOut() throws {
        let planted = try Planted()
        defer { planted.remove() }
        let stage = "../../evil"
        let job = try planted.ledger.createJob(
            pipeline: Data(#"{"stages": []}"#.utf8), seed: 7, archive: "test", steps: [NewStep("cam"), NewStep(stage)])
        try planted.ledger.writeRows(job: job, stage: "cam", [try planted.mask("cam", "north", "s1", "01.jpg", "good")])
        try planted.ledger.openRound(job: job, stage: stage, round: 0, expected: 0, base: nil)
        let model = ModelDescription(
            digest: try planted.ledger.putBlob(Data("parameters".utf8)), parameterCount: 1, description: "planted")
        try planted.ledger.finishRound(
            job: job, stage: stage, round: 0, rows: [], model: model, contributions: [], metrics: Data("{}".utf8))
        #expect(try planted.results().status == 3)
        #expect(planted.files == ["deep/er/out/cams/north/s1/01.png"])
        let out = planted.folder.appendingPathComponent("deep/er/out")
        #expect(FileManager.default.fileExists(atPath: out.appendingPathComponent("run.json").path))
        let all = FileManager.default.enumerator(atPath: planted.folder.path)?.compactMap { $0 as? String } ?? []
        #expect(!all.contains { $0.hasSuffix(".safetensors") })
    }

    @Test func noLinkLeadsOutOfOut() throws {
        let planted = try Planted()
        defer { planted.remove() }
        let (out, outside) = (planted.folder.appendingPathComponent("deep/er/out"), planted.folder.appendingPathComponent("outside"))
        for folder in [out.appendingPathComponent("cams"), outside] {
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        }
        try FileManager.default.createSymbolicLink(
            at: out.appendingPathComponent("cams/north"), withDestinationURL: outside)
        try planted.ledger.writeRows(
            job: planted.job, stage: "cam",
            [try planted.mask("cam", "north", "s1", "01.jpg", "one"), try planted.mask("cam", "south", "s1", "01.jpg", "two")])
        #expect(try planted.results().status == 3)
        #expect(planted.files == ["deep/er/out/cams/south/s1/01.png"])
    }

    @Test func imagesWhoseExtensionsDifferKeepTheirOwnResults() throws {
        let planted = try Planted()
        defer { planted.remove() }
        let images = ["01.jpg", "01.png", "02.jpg", "03", "04.jpg", "04.jpg.gif", "04.tif"]
        try planted.ledger.writeRows(
            job: planted.job, stage: "cam", try images.map { try planted.mask("cam", "north", "s1", $0, $0) })
        #expect(try planted.results().status == 0)
        let bag = planted.folder.appendingPathComponent("deep/er/out/cams/north/s1")
        let names = ["01.jpg.png", "01.png.png", "02.png", "03.png", "04.jpg.png", "04.jpg.gif.png", "04.tif.png"]
        #expect(try FileManager.default.contentsOfDirectory(atPath: bag.path).sorted() == names.sorted())
        for (image, name) in zip(images, names) {
            #expect(try Data(contentsOf: bag.appendingPathComponent(name)) == Data(image.utf8), "\(image)")
        }
    }

    @Test func picturesOfFramesComeFromTheWorkersFolder() throws {
        let planted = try Planted()
        defer { planted.remove() }
        let content = Data("a frame".utf8)
        let rows = ["01.jpg", "02.jpg", "03.jpg"].map { image in
            ResultRow.picture(
                PictureRow(
                    centre: "north", study: "s1", image: image, kind: "overlay", digest: SHA256Digest(hashing: content)))
        }
        try planted.ledger.writeRows(job: planted.job, stage: "cam", rows)
        let elsewhere = try planted.results()
        #expect(elsewhere.status == 0 && elsewhere.errors.contains("stay with their centres (3 of north)"), "\(elsewhere.errors)")
        #expect(planted.files.isEmpty)

        // One is there, one is another job's, one is missing.
        let bag = planted.folder.appendingPathComponent("kept/\(planted.job)/overlay/north/s1")
        try FileManager.default.createDirectory(at: bag, withIntermediateDirectories: true)
        try content.write(to: bag.appendingPathComponent("01.jpg.png"))
        try Data("another".utf8).write(to: bag.appendingPathComponent("02.jpg.png"))
        let here = try planted.results("--pictures", planted.folder.appendingPathComponent("kept").path)
        #expect(here.status == 0 && here.errors.contains("1 pictures in the folder of --pictures are not what this job made"))
        #expect(here.errors.contains("(1 of north)"))
        let out = planted.folder.appendingPathComponent("deep/er/out/overlays/north/s1")
        #expect(try FileManager.default.contentsOfDirectory(atPath: out.path) == ["01.png"])
        #expect(try Data(contentsOf: out.appendingPathComponent("01.png")) == content)
    }
}
