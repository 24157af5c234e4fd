import Foundation
import Imaging
import Testing

/// Commands that measure read a centre's images, its tables and what somebody takes for weights: `calibrate` and `bench`.
/// Nothing that these files hold is said or written, be they sound or broken.
@Suite(.serialized) struct MeasuringCanaryTests {
    private let secret = CanarySearch([CanaryArchive.secret])
    private let all = CanarySearch([CanaryArchive.secret, CanaryArchive.name])

    // MARK: Pictures that hold words

    /// What a picture's file may hold beside its pixels: a comment within, and a letter behind the end.
    private static func planted(_ jpeg: Data) -> Data {
        let words = Data("\(CanaryArchive.secret), born 1.2.1950".utf8)
        let comment = Data([0xFF, 0xFE, 0, UInt8(words.count + 2)]) + words
        return jpeg.prefix(2) + comment + jpeg.dropFirst(2) + words
    }

    /// A PNG of grey with a chunk of text; `picture` replaces what its pixels are packed in.
    private static func png(picture: Data? = nil) throws -> Data {
        let sound = try ImageEncoder.png(Image8(width: 64, height: 64, channels: 3, pixels: [UInt8](repeating: 90, count: 64 * 64 * 3)))
        let text = chunk("tEXt", Data("Comment\u{0}\(CanaryArchive.secret), born 1.2.1950".utf8))
        // A signature of 8 bytes and a head of 25.
        guard let picture else { return sound.prefix(33) + text + sound.dropFirst(33) }
        return sound.prefix(33) + text + chunk("IDAT", picture) + chunk("IEND", Data())
    }

    private static func chunk(_ kind: String, _ bytes: Data) -> Data {
        let body = Data(kind.utf8) + bytes
        var sum = UInt32.max
        for byte in body {
            sum ^= UInt32(byte)
            for _ in 0..<8 { sum = sum & 1 == 1 ? sum >> 1 ^ 0xEDB8_8320 : sum >> 1 }
        }
        func four(_ number: UInt32) -> Data { withUnsafeBytes(of: number.bigEndian) { Data($0) } }
        return four(UInt32(bytes.count)) + body + four(~sum)
    }

    /// Pictures that cannot be read, with words where bytes of theirs should be.
    private static func brokenPictures(_ jpeg: Data) throws -> [String: Data] {
        let words = Data(String(repeating: "\(CanaryArchive.secret) 4711; ", count: 20).utf8)
        return [
            "cut.jpg": planted(jpeg).prefix(jpeg.count / 2), "words.jpg": words,
            "comment.jpg": Data([0xFF, 0xD8, 0xFF, 0xFE, 0xFF, 0xFF]) + words,
            "exif.jpg": Data([0xFF, 0xD8, 0xFF, 0xE1, 0, 60]) + Data("Exif\u{0}\u{0}".utf8) + words.prefix(52) + Data([0xFF, 0xD9]),
            "words.png": Data([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) + words, "picture.png": try png(picture: words),
        ]
    }

    /// A centre's JPEG files as they were made.
    private static func sound(in centre: URL) throws -> [Data] {
        try CanarySearch.files(below: centre.appendingPathComponent("studies")).sorted { $0.0 < $1.0 }
            .filter { $0.0.hasSuffix(".jpg") && !$0.0.contains(CanaryArchive.name) }.map(\.1)
    }

    private static func folder(_ pictures: [String: Data], in parent: URL) throws -> URL {
        let study = parent.appendingPathComponent("pictures-\(UUID().uuidString)/\(CanaryArchive.name)Study")
        try FileManager.default.createDirectory(at: study, withIntermediateDirectories: true)
        for (name, bytes) in pictures { try bytes.write(to: study.appendingPathComponent(name)) }
        return study.deletingLastPathComponent()
    }

    private static func soundFolder(_ archive: CanaryArchive, in parent: URL) throws -> URL {
        let jpegs = try sound(in: archive.folder.appendingPathComponent("north"))
        try #require(jpegs.count > 4)
        return try folder(["01.jpg": planted(jpegs[0]), "02.jpg": planted(jpegs[1]), "03.png": png()], in: parent)
    }

    /// The archive's tables: of each name a sound one and a broken one. What is no picture and no weights is read no further,
    /// whatever is wrong with it as a table.
    private static func tables(_ archive: CanaryArchive) throws -> [URL] {
        let names = ["reports.jsonl", "reports.csv", "truth.csv", "studies.csv"]
        let tables = try FileManager.default.contentsOfDirectory(at: archive.folder, includingPropertiesForKeys: nil)
            .flatMap { centre in names.map { centre.appendingPathComponent($0) } }
            .filter { FileManager.default.fileExists(atPath: $0.path) }.sorted { $0.path < $1.path }
        func kind(_ table: URL) -> String {
            "\(table.lastPathComponent) \(table.deletingLastPathComponent().lastPathComponent.hasPrefix("broken"))"
        }
        return Dictionary(grouping: tables, by: kind).sorted { $0.key < $1.key }.compactMap { $0.value.first }
    }

    /// Where the processor does not multiply 8-bit numbers exactly, images are read and the answer is no.
    private static func isRefused(_ process: EndokedProcess) -> Bool {
        process.status == 5 && process.errors.contains("does not multiply 8-bit numbers exactly")
    }

    // MARK: Commands

    @Test(.timeLimit(.minutes(10))) func calibrateSaysNothingOfImagesAndTables() throws {
        let parent = try TemporaryFolder.make()
        defer { try? FileManager.default.removeItem(at: parent) }
        let archive = try CanaryArchive(in: parent)
        // Weights that a job trained on the planted centre itself.
        let pipeline = parent.appendingPathComponent("pipeline.json5")
        try Data(
            """
            {stages: [{stage: 'catalogue'}, {stage: 'labels'}, {stage: 'mil-train', imageSize: 32, rounds: 1, replicas: 1,
              localEpochs: 1, select: 'last', teacherHidden: 16, studentHidden: 16}]}
            """.utf8
        ).write(to: pipeline)
        let trained = parent.appendingPathComponent("trained")
        let run = try EndokedProcess.run(
            "run", "--archive", archive.folder.appendingPathComponent("north").path, "--pipeline", pipeline.path, "--out", trained.path,
            "--workers", "1")
        try #require(run.status == 3, "\(run.errors)")
        let weights = trained.appendingPathComponent("models/mil-train.safetensors")
        all.expectNone(in: try Data(contentsOf: weights), of: "the parameters")

        let out = parent.appendingPathComponent("calibration.json")
        func calibrate(weights: URL, images: URL) throws -> EndokedProcess {
            try EndokedProcess.run(
                "calibrate", "--network", "mil", "--weights", weights.path, "--images", images.path, "--out", out.path, "--size", "32",
                "--limit", "4")
        }
        let good = try calibrate(weights: weights, images: Self.soundFolder(archive, in: parent))
        #expect(good.status == 0 && good.output.contains("computes in") || Self.isRefused(good), "\(good.errors)")
        all.expectNone(in: good, of: "calibrate")
        if good.status == 0 { all.expectNone(in: try Data(contentsOf: out), of: "the calibration") }

        let jpeg = try #require(try Self.sound(in: archive.folder.appendingPathComponent("north")).first)
        for (name, bytes) in try Self.brokenPictures(jpeg) {
            let broken = try calibrate(weights: weights, images: Self.folder([name: bytes], in: parent))
            #expect(broken.status == 5 && broken.errors.contains(name), "\(name): \(broken.status), \(broken.errors)")
            secret.expectNone(in: broken, of: "calibrate on \(name)")
        }
        for centre in try FileManager.default.contentsOfDirectory(atPath: archive.folder.path).sorted() {
            let process = try calibrate(weights: weights, images: archive.folder.appendingPathComponent(centre))
            #expect(centre.hasPrefix("broken") ? process.status == 5 : [0, 5].contains(process.status), "\(process.errors)")
            secret.expectNone(in: process, of: "calibrate on \(centre)")
        }
        for table in try Self.tables(archive) {
            for process in [try calibrate(weights: table, images: table), try calibrate(weights: weights, images: table)] {
                #expect(process.status == 5, "\(process.errors)")
                secret.expectNone(in: process, of: "calibrate with \(table.path)")
            }
        }
    }

    @Test(.timeLimit(.minutes(10))) func benchesSayNothingOfImagesAndTables() throws {
        let parent = try TemporaryFolder.make()
        defer { try? FileManager.default.removeItem(at: parent) }
        let archive = try CanaryArchive(in: parent)

        let list = parent.appendingPathComponent("list")
        func score(_ folder: URL, _ options: [String] = []) throws -> EndokedProcess {
            try EndokedProcess.Running(
                ["bench", "mil-score", "--archive", folder.path, "--size", "32", "--precision", "fp32", "--slots", "1", "--shards", "1"]
                    + options
            ).wait()
        }
        let north = archive.folder.appendingPathComponent("north")
        for options in [["--list", list.path], ["--json", "--list", list.path]] {
            let good = try score(north, options)
            #expect(good.status == 0, "\(good.errors)")
            all.expectNone(in: good, of: "bench mil-score")
        }
        secret.expectNone(in: try Data(contentsOf: list), of: "the list of images")
        for centre in archive.brokenCentres.map({ archive.folder.appendingPathComponent($0) }) + [archive.folder] {
            secret.expectNone(in: try score(centre), of: "bench mil-score of \(centre.lastPathComponent)")
        }

        func int8(_ options: String...) throws -> EndokedProcess {
            try EndokedProcess.Running(["bench", "int8", "--network", "mil", "--size", "32", "--limit", "4"] + options).wait()
        }
        let images = try Self.soundFolder(archive, in: parent)
        let truth = parent.appendingPathComponent("truth/\(CanaryArchive.name)Study")
        try FileManager.default.createDirectory(at: truth, withIntermediateDirectories: true)
        try Self.png().write(to: truth.appendingPathComponent("01.png"))
        for options in [["--truth", truth.deletingLastPathComponent().path], ["--json"]] {
            let good = try EndokedProcess.Running(
                ["bench", "int8", "--network", "mil", "--size", "32", "--images", images.path] + options
            ).wait()
            #expect(good.status == 0 || Self.isRefused(good), "\(good.errors)")
            all.expectNone(in: good, of: "bench int8 \(options)")
        }
        let jpeg = try #require(try Self.sound(in: north).first)
        for (name, bytes) in try Self.brokenPictures(jpeg) {
            let broken = try int8("--images", Self.folder([name: bytes], in: parent).path)
            #expect(broken.status == 5, "\(name): \(broken.status), \(broken.errors)")
            secret.expectNone(in: broken, of: "bench int8 on \(name)")
            // And as a mask.
            try bytes.write(to: truth.appendingPathComponent("01.png"))
            let mask = try int8("--images", images.path, "--truth", truth.deletingLastPathComponent().path)
            #expect(mask.status != 0, "\(name): \(mask.output)")
            secret.expectNone(in: mask, of: "bench int8 with the mask \(name)")
        }
        for table in try Self.tables(archive) {
            for process in [
                try int8("--images", images.path, "--calibration", table.path), try int8("--images", table.path),
                try int8("--images", images.path, "--weights", table.path),
            ] {
                #expect(process.status == 5, "\(process.errors)")
                secret.expectNone(in: process, of: "bench int8 with \(table.path)")
            }
            let lines = try EndokedProcess.Running(
                ["bench", "networks", "--row", "peak"], shell: "\"$@\" < '\(table.path)'"
            ).wait()
            #expect(lines.status == 2, "\(lines.errors)")
            secret.expectNone(in: lines, of: "bench networks that reads \(table.path)")
        }
    }
}
