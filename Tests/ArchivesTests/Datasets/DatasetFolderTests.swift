import Archives
import Foundation
import Imaging
import Testing

@Suite struct DatasetFolderTests {
    private final class Folder {
        let url = FileManager.default.temporaryDirectory.appendingPathComponent("datasets-" + UUID().uuidString)
        deinit { try? FileManager.default.removeItem(at: url) }

        func add(_ paths: String...) throws -> Folder {
            for path in paths {
                let file = url.appendingPathComponent(path)
                try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
                try ImageEncoder.writePNG(Image8(width: 4, height: 3, channels: 1, fill: 255), to: file)
            }
            return self
        }
    }

    @Test func testDatasetHoldsSetsByName() throws {
        let folder = try Folder().add(
            "Kvasir/images/a.png", "Kvasir/masks/a.png", "CVC-ClinicDB/images/26.png", "CVC-ClinicDB/masks/26.png",
            "CVC-ClinicDB/images/1.png", "CVC-ClinicDB/masks/1.png")
        let clinic = try DatasetFolder("ClinicDB", in: folder.url)
        #expect(clinic.dataset.name == "CVC-ClinicDB")
        #expect(clinic.images.map(\.name) == ["1.png", "26.png"])
        #expect(clinic.images.map(\.group) == ["sequence 1", "sequence 2"])
        #expect(try DatasetFolder("kvasir-seg", in: folder.url).images.count == 1)
        // The other sets are no centres of this one.
        let polypGen = try folder.add("PolypGen/images/p.png", "PolypGen/masks/p.png")
        #expect(try DatasetFolder("PolypGen", in: polypGen.url).images.map(\.name) == ["p.png"])
        #expect(try DatasetFolder("Kvasir", in: folder.url.appendingPathComponent("Kvasir")).images.count == 1)
        #expect(throws: ArchiveError.self) { try DatasetFolder("my frames", in: folder.url.appendingPathComponent("nothing")) }
    }

    @Test func originalLayoutsAreKnown() throws {
        let clinic = try Folder().add("CVC-ClinicDB/Original/612.tif", "CVC-ClinicDB/Ground Truth/612.tif")
        #expect(try DatasetFolder("CVC-ClinicDB", in: clinic.url).images.first?.group == "sequence 29")
        let etis = try Folder().add("ETIS-LaribPolypDB/12.tif", "Ground Truth/p12.tif")
        #expect(try DatasetFolder("ETIS", in: etis.url).images.map(\.stem) == ["12"])
        let colon = try Folder().add("1.png", "p1.png", "2.png", "p2.png")
        #expect(try DatasetFolder("CVC-ColonDB", in: colon.url).images.map(\.stem) == ["1", "2"])
        let scene = try Folder().add("CVC-300/bbdd/7.bmp", "CVC-300/gtpolyp/7.bmp")
        #expect(try DatasetFolder("CVC-300", in: scene.url).images.count == 1)
        let neo = try Folder().add("train/train/x.jpeg", "train_gt/train_gt/x.jpeg", "test/test/y.jpeg")
        #expect(try DatasetFolder("NeoPolyp", in: neo.url).images.map(\.name) == ["train/train/x.jpeg"])
        let hyper = try Folder().add("segmented-images/images/x.jpg", "segmented-images/masks/x.jpg")
        #expect(try DatasetFolder("HyperKvasir", in: hyper.url).images.count == 1)
    }

    @Test func polypGenHasCentresAndSequences() throws {
        let folder = try Folder().add(
            "data_C1/images_C1/a.jpg", "data_C1/masks_C1/a_mask.jpg", "data_C2/images_C2/b.jpg", "data_C2/masks_C2/b_mask.jpg",
            "sequenceData/positive/seq3/images_seq3/c.jpg", "sequenceData/positive/seq3/masks_seq3/c_mask.jpg",
            "data_C1/images_C1/without.jpg")
        let found = try DatasetFolder("PolypGen", in: folder.url)
        #expect(found.images.map(\.part) == ["frames", "frames", "sequences"])
        #expect(found.images.map(\.centre) == ["C1", "C2", nil])
        #expect(found.images[2].group == "seq3")
        #expect(found.problems.count == 1)
    }

    @Test func sunHasPartsAndCases() throws {
        let folder = try Folder().add(
            "TestEasyDataset/Seen/Frame/case2_3/a.jpg", "TestEasyDataset/Seen/GT/case2_3/a.png",
            "TestEasyDataset/Seen/Frame/case2_4/a.jpg", "TestEasyDataset/Seen/GT/case2_4/a.png")
        let found = try DatasetFolder("SUN-SEG", in: folder.url)
        #expect(found.images.map(\.group) == ["case2", "case2"])
        #expect(found.images.map(\.centre) == ["Easy", "Easy"])
        #expect(Set(found.images.map(\.name)).count == 2)
    }

    @Test func anyFolderOfImagesAndMasks() throws {
        let plain = try Folder().add("img/a.jpg", "GT/a.png", "img/b.jpg")
        let found = try DatasetFolder("ward 7", in: plain.url)
        #expect(!found.dataset.isKnown)
        #expect(found.images.map(\.name) == ["a.jpg"])
        #expect(found.problems == ["\(plain.url.appendingPathComponent("img").path): 1 images have no mask and are left out"])
        let together = try Folder().add("a.jpg", "a_mask.png", "b.jpg", "b_mask.png")
        #expect(try DatasetFolder("x", in: together.url).images.map(\.stem) == ["a", "b"])
        let centres = try Folder().add("north/images/a.jpg", "north/masks/a.png", "south/images/a.jpg", "south/masks/a.png")
        #expect(try DatasetFolder("x", in: centres.url).images.map(\.centre) == ["north", "south"])
    }

    @Test func whatIsMissingIsSaid() throws {
        let empty = try Folder().add("other/a.png")
        let error = #expect(throws: ArchiveError.self) { try DatasetFolder("Kvasir", in: empty.url) }
        #expect(error?.message.contains("`images` with `masks`") == true)
        let twice = try Folder().add("p/images/a.jpg", "p/masks/a.png", "q/images/a.jpg", "q/masks/a.png")
        #expect(throws: ArchiveError.self) { try DatasetFolder("Kvasir", in: twice.url) }
    }

    @Test func predictionsAreFoundByName() throws {
        let folder = try Folder().add("set/images/a.jpg", "set/masks/a.png", "results/Kvasir/a.png", "results/ETIS/a.png", "flat/x/a.png")
        let set = try DatasetFolder("Kvasir", in: folder.url.appendingPathComponent("set"))
        let results = try PredictionFolder(folder.url.appendingPathComponent("results"), of: set.dataset)
        #expect(results.place(of: set.images[0])?.path.hasSuffix("Kvasir/a.png") == true)
        let flat = try PredictionFolder(folder.url.appendingPathComponent("flat"), of: set.dataset)
        #expect(flat.place(of: set.images[0])?.path.hasSuffix("x/a.png") == true)
        #expect(throws: ArchiveError.self) { try PredictionFolder(folder.url.appendingPathComponent("none"), of: set.dataset) }
    }

    @Test func classesAreOnePolypAndOtherMasksAreCutAtHalf() throws {
        let folder = try Folder().add("images/a.jpg")
        let file = folder.url.appendingPathComponent("m.png")
        try ImageEncoder.writePNG(try Image8(width: 3, height: 1, channels: 1, pixels: [0, 1, 2]), to: file)
        #expect(try DatasetMask.read(file, of: .named("BKAI")).bits == [false, true, true])
        #expect(throws: ArchiveError.self) { try DatasetMask.read(file, of: .named("my own")) }
        try ImageEncoder.writePNG(try Image8(width: 3, height: 1, channels: 1, pixels: [128, 129, 255]), to: file)
        #expect(try DatasetMask.read(file, of: .named("Kvasir")).bits == [false, true, true])
        try ImageEncoder.writePNG(
            try Image8(width: 3, height: 1, channels: 3, pixels: [255, 0, 0, 0, 0, 0, 0, 255, 0]), to: file)
        #expect(try DatasetMask.read(file, of: .named("NeoPolyp")).bits == [true, false, true])
    }
}
