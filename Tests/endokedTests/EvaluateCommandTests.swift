import Foundation
import Imaging
import TestSupport
import Testing

@Suite struct EvaluateCommandTests {
    private static func write(_ image: Image8, _ file: URL) throws {
        try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try ImageEncoder.writePNG(image, to: file)
    }

    @Test func predictionsAreMeasuredAndWritten() throws {
        let folder = try TemporaryFolder.make()
        defer { try? FileManager.default.removeItem(at: folder) }
        var random = SeededGenerator(seed: 3)
        for name in ["1", "2", "30"] {
            let coarse = try Image8(width: 24, height: 18, channels: 1, pixels: (0..<24 * 18).map { _ in UInt8(random.integer(20...230)) })
            let image = try coarse.resized(width: 120, height: 90, filter: .bilinear)
            var mask = Image8(width: 120, height: 90, channels: 1)
            for y in 20..<50 { for x in 30..<70 { mask[x: x, y: y] = 255 } }
            try Self.write(image, folder.appendingPathComponent("CVC-ClinicDB/images/\(name).png"))
            try Self.write(mask, folder.appendingPathComponent("CVC-ClinicDB/masks/\(name).png"))
            try Self.write(mask, folder.appendingPathComponent("results/CVC-ClinicDB/\(name).png"))
            if name == "1" { try Self.write(image, folder.appendingPathComponent("trained/x.png")) }
        }
        let out = folder.appendingPathComponent("out")
        let run = try EndokedProcess.run(
            "evaluate", "--dataset", "ClinicDB=\(folder.path)", "--predictions", folder.appendingPathComponent("results").path,
            "--trained", folder.appendingPathComponent("trained").path, "--out", out.path)
        #expect(run.status == 0, "\(run.errors)")
        #expect(run.output.contains("1 of 3 images have a copy"))
        #expect(run.output.contains("sequence 1 is cut: 1 of its 2 images"))
        #expect(run.output.contains("published: Polyp-PVT"))
        #expect(run.output.contains("ours are 3 images, the published 62"))
        let images = try String(contentsOf: out.appendingPathComponent("images.csv"), encoding: .utf8).split(separator: "\n")
        #expect(images.count == 4)
        #expect(images[1].hasPrefix("CVC-ClinicDB,,,sequence 1,1.png,medium,"))
        let sets = try String(contentsOf: out.appendingPathComponent("sets.csv"), encoding: .utf8)
        #expect(sets.contains("CVC-ClinicDB,without copies,,2,2,binary_dice,1"))
        #expect(sets.contains("CVC-ClinicDB,without cut groups,,1,1,binary_dice,1"))
        #expect(
            try String(contentsOf: out.appendingPathComponent("copies.csv"), encoding: .utf8).contains(
                "CVC-ClinicDB,1.png,sequence 1,trained/x.png,"))
        #expect(FileManager.default.fileExists(atPath: out.appendingPathComponent("summary.md").path))
    }

    @Test func whatIsMissingIsSaidBeforeAnythingIsComputed() throws {
        let folder = try TemporaryFolder.make()
        defer { try? FileManager.default.removeItem(at: folder) }
        #expect(try EndokedProcess.run("evaluate").status == 2)
        #expect(try EndokedProcess.run("evaluate", "--dataset", "Kvasir=\(folder.path)").status == 2)
        let none = try EndokedProcess.run("evaluate", "--dataset", "Kvasir=\(folder.path)", "--predictions", folder.path)
        #expect(none.status == 5)
        #expect(none.errors.contains("no images with masks"), "\(none.errors)")
    }
}
