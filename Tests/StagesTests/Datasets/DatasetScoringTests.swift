import Archives
import Evaluation
import Foundation
import Imaging
import Stages
import Testing

@Suite struct DatasetScoringTests {
    private let folder = FileManager.default.temporaryDirectory.appendingPathComponent("scoring-" + UUID().uuidString)

    private func write(_ image: Image8, _ path: String, asJPEG: Bool = false) throws {
        let file = folder.appendingPathComponent(path)
        try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        if asJPEG { try ImageEncoder.writeJPEG(image, to: file, quality: 60) } else { try ImageEncoder.writePNG(image, to: file) }
    }

    /// A frame with structure, and the mask of a square in it.
    private static func frame(_ seed: UInt64) throws -> (image: Image8, mask: Image8) {
        var random = SeededGenerator(seed: seed)
        let coarse = try Image8(width: 24, height: 18, channels: 1, pixels: (0..<24 * 18).map { _ in UInt8(random.integer(20...230)) })
        let image = try coarse.resized(width: 240, height: 180, filter: .bilinear).rgb()
        var mask = Image8(width: 240, height: 180, channels: 1)
        for y in 40..<100 { for x in 60..<130 { mask[x: x, y: y] = 255 } }
        return (image, mask)
    }

    @Test func predictionsAreLaidOverMasksAtTheirSize() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        for name in ["a", "b", "c"] {
            let frame = try Self.frame(1)
            try write(frame.image, "set/images/\(name).jpg", asJPEG: true)
            try write(frame.mask, "set/masks/\(name).png")
            if name == "b" { try write(try frame.mask.resized(width: 120, height: 90, openCV: .linear), "predicted/b.png") }
            if name == "a" { try write(frame.mask, "predicted/a.png") }
        }
        let set = try DatasetFolder("Kvasir", in: folder.appendingPathComponent("set"))
        let source = DatasetScoring.Source.pictures(try PredictionFolder(folder.appendingPathComponent("predicted"), of: set.dataset))
        let outcome = DatasetScoring(source).run(set, threads: 2)
        #expect(outcome.images.map(\.name) == ["a.jpg", "b.jpg"])
        #expect(outcome.images[0].binary.dice == 1)
        #expect(outcome.images[1].binary.dice > 0.95 && outcome.images[1].binary.dice < 1.01)
        #expect(outcome.problems.count == 1 && outcome.problems[0].hasPrefix("c.jpg: there is no prediction"))
    }

    @Test func whatTrainedIsFoundAndCutSequencesAreNamed() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        for number in 1...30 {
            let frame = try Self.frame(UInt64(number))
            try write(frame.image, "set/Original/\(number).png")
            try write(frame.mask, "set/Ground Truth/\(number).png")
            if number <= 3 { try write(frame.image, "trained/copy-\(number).jpg", asJPEG: true) }
        }
        try write(try Self.frame(99).image, "trained/other.png")
        // Masks of what trained are no images.
        try write(try Self.frame(5).mask, "trained/masks/5.png")
        let trained = try TrainedImages(folder.appendingPathComponent("trained"))
        #expect(trained.images.count == 4 && !trained.isArchive)
        var search = LeakageGuard(threads: 2)
        search.add(trained)
        let set = try DatasetFolder("ClinicDB", in: folder.appendingPathComponent("set"))
        let (copies, problems) = search.copies(in: set)
        #expect(problems.isEmpty && search.problems.isEmpty)
        #expect(copies.map(\.name).sorted() == ["1.png", "2.png", "3.png"])
        #expect(copies.first { $0.name == "2.png" }?.matches.map(\.trained) == ["trained/copy-2.jpg"])
        let cut = LeakageGuard.cutGroups(of: set, copies: copies)
        #expect(cut.map(\.group) == ["sequence 1"] && cut.map(\.images) == [25] && cut.map(\.copies) == [3])
    }

    @Test func aFileThatIsNoSegmentationNetworkIsRefused() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        try FileManager.default.createDirectory(at: folder.appendingPathComponent("models"), withIntermediateDirectories: true)
        let error = #expect(throws: StageError.self) { try DatasetNetwork(folder.path) }
        #expect(error?.message.contains("holds no segmentation network") == true)
        #expect(throws: StageError.self) { try DatasetNetwork(folder.appendingPathComponent("none.safetensors").path) }
    }
}
