import Foundation
import Imaging
import TestSupport
import Testing

import Archives

@Suite struct ArchiveCheckTests {
    /// Every kind of damage in one archive, and a sound centre beside it.
    private func damaged() throws -> TemporaryArchive {
        let archive = try TemporaryArchive()
        try archive.addCentre("bad", studies: ["A", "B", "C", "D", "E"])
        let png = try TemporaryArchive.png()
        let jpeg = try TemporaryArchive.jpeg()
        try archive.write("bad/studies/A/03.jpg", jpeg.prefix(jpeg.count / 2))
        try archive.write("bad/studies/A/04.png", Data())
        try archive.write("bad/studies/A/05.png", "this is text")
        try archive.write("bad/studies/A/06.tif", "II*")
        try FileManager.default.removeItem(at: archive.root.appendingPathComponent("bad/studies/B/01.png"))
        try FileManager.default.removeItem(at: archive.root.appendingPathComponent("bad/studies/C"))
        for name in ["01.png", "02.jpg"] {
            try FileManager.default.removeItem(at: archive.root.appendingPathComponent("bad/studies/D/" + name))
        }
        // Huge sides in the header alone: 60,000 by 60,000.
        var bomb = [UInt8](png)
        for (offset, value) in [(18, 0xEA), (19, 0x60), (22, 0xEA), (23, 0x60)] as [(Int, UInt8)] { bomb[offset] = value }
        try archive.write("bad/studies/E/03.png", Data(bomb))
        try archive.write("bad/studies/Z/01.png", png)
        try archive.addCentre("good", studies: ["G1", "G2"])
        try archive.write("void/studies/V/01.png", png)
        return archive
    }

    @Test(arguments: ImageCheckDepth.allCases)
    func everythingIsFoundAndNothingStops(depth: ImageCheckDepth) throws {
        let archive = try damaged()
        var looked = 0
        let report = ArchiveCheck.run(try Archive.open(archive.root), depth: depth) { looked = $0 }
        #expect(report.centres.map(\.name) == ["bad", "good", "void"])
        let bad = report.centres[0]
        let found = bad.issues.map { "\($0.study ?? "") \($0.file ?? "") \($0.code)" }
        #expect(
            found == [
                "A 03.jpg truncated-image", "A 04.png empty-file", "A 05.png not-an-image", "A 06.tif not-an-image", "B  single-image",
                "C  no-folder", "D  empty-bag", "E 03.png too-many-pixels",
                "Z studies/Z no-report",
            ])
        #expect(bad.studies == 5 && bad.images == 5 && looked == 14)
        #expect(report.centres[1].issues.isEmpty && report.centres[1].images == 4)
        #expect(report.centres[2].issues.map(\.code) == ["not-found"])
        let decoded = try JSONDecoder().decode(ArchiveCheckReport.self, from: JSONEncoder().encode(report))
        #expect(decoded == report)
    }

    /// A stretch that is lost from the middle, with a sound header and a sound end: only decoding finds it.
    @Test func damageInsideIsFound() throws {
        let archive = try TemporaryArchive()
        try archive.addCentre("c", studies: ["A"])
        var data = [UInt8](try TemporaryArchive.noise())
        data.removeSubrange(data.count / 2..<data.count / 2 + 600)
        try archive.write("c/studies/A/03.jpg", Data(data))
        let centres = try Archive.open(archive.root)
        #expect(ArchiveCheck.run(centres, depth: .header).issues.isEmpty)
        let report = ArchiveCheck.run(centres, depth: .decode)
        #expect(report.issues.count == 1 && report.issues.first?.file == "03.jpg")
        #expect(["truncated-image", "corrupt-image"].contains(report.issues.first?.code))
        #expect(report.centres[0].images == 2)
    }

    /// What follows a picture does not make it incomplete, however little is read of it.
    @Test(arguments: ImageCheckDepth.allCases)
    func bytesBehindTheEndAreNoDamage(depth: ImageCheckDepth) throws {
        let archive = try TemporaryArchive()
        try archive.addCentre("c", studies: ["A"])
        try archive.write("c/studies/A/03.jpg", try TemporaryArchive.jpeg() + Data(repeating: 1, count: 70_000))
        try archive.write("c/studies/A/04.png", try TemporaryArchive.png() + Data(repeating: 1, count: 9000))
        #expect(ArchiveCheck.run(try Archive.open(archive.root), depth: depth).issues.isEmpty)
    }

    /// Truth is opened as images are.
    @Test func truthThatCannotBeUsedIsListed() throws {
        let archive = try TemporaryArchive()
        try archive.addCentre("c", studies: ["A", "B", "007"])
        func mask(_ width: Int, _ height: Int, _ value: UInt8) throws -> Data {
            var image = Image8(width: width, height: height, channels: 1)
            for y in 2..<9 { for x in 2..<9 { image[x: x, y: y] = value } }
            return try ImageEncoder.png(image)
        }
        try archive.write("c/truth/A/01.png", try mask(16, 12, 1))
        try archive.write("c/truth/A/02.png", try mask(16, 12, 255))
        try archive.write("c/truth/A/03.png", try mask(16, 12, 255))
        try archive.write("c/truth/B/01.png", Data("no picture".utf8))
        try archive.write("c/truth/B/02.png", try mask(64, 48, 0))
        try archive.write("c/truth.csv", "study,image,polyp\nA,01.png,1\nA,09.png,1\nB,02.jpg,1\nB,01.png,canary\n7,01.png,1\n")
        try archive.write("c/studies.csv", "Study;Polyp\nX;0\n")
        let report = ArchiveCheck.run(try Archive.open(archive.root), depth: .header)
        let centre = report.centres[0]
        #expect(
            centre.issues.map { "\($0.study ?? "") \($0.file ?? "") \($0.code)" } == [
                "B truth.csv unknown-truth", "A 02.jpg mask-size", "A truth/A/03.png no-image", "A truth.csv no-image",
                "B 01.png unreadable-mask", "B 02.jpg empty-mask", " studies.csv no-study",
            ])
        #expect(
            centre.masks == 1
                && centre.notes == [
                    "1 masks of 0 and 1: 1 is polyp", "1 of 3 studies of truth.csv are not in the centre's table, and are not used",
                ])
        #expect(centre.issues.allSatisfy { !$0.message.contains("canary") })
    }

    @Test func numbersThatASpreadsheetMangledAreNamed() throws {
        let archive = try TemporaryArchive()
        for folder in ["007", "20240101123456789012", "123000", "E5"] {
            try archive.write("c/studies/\(folder)/01.png", try TemporaryArchive.png())
        }
        try archive.write(
            "c/reports.csv", "study,patient,text\n7,1,x\n20240101123456700000,2,x\n1.23E+05,3,x\n42,4,x\nE5,5,x\n123000,6,x\n")
        let report = ArchiveCheck.run(try Archive.open(archive.root), depth: .header)
        let missing = report.issues.filter { $0.code != "no-report" && $0.code != "single-image" }
        #expect(
            missing.map { "\($0.study ?? "") \($0.code)" } == [
                "1.23E+05 mangled-number", "20240101123456700000 mangled-number", "42 no-folder", "7 mangled-number",
            ])
    }

    @Test(.enabled(if: SharedFolder.isPresent, Comment(rawValue: SharedFolder.whySkipped)))
    func theRealArchiveIsSound() throws {
        let shared = try #require(SharedFolder.url)
        let report = ArchiveCheck.run(try Archive.open(shared.appendingPathComponent("data/archive")), depth: .decode)
        #expect(report.issues.isEmpty)
        #expect(report.centres.map(\.images) == [782, 1626, 1160])
        #expect(report.centres.allSatisfy { $0.hasTruth })
    }

    /// The odd inputs that people have reported: what their README says is read is read, and the rest is refused.
    @Test(.enabled(if: SharedFolder.isPresent, Comment(rawValue: SharedFolder.whySkipped)))
    func oddImagesHaveTheResultsThatTheirREADMENames() throws {
        let shared = try #require(SharedFolder.url)
        let refused: [String: [Int]] = [
            "jpeg": [1, 2, 20, 21, 22, 23, 27, 28, 32, 34, 35, 36, 37, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50],
            "png": [9, 16, 18, 20, 25, 27, 29], "same-stem": [2, 3, 4, 5, 6],
        ]
        for (kind, numbers) in refused {
            let folder = shared.appendingPathComponent("trials/images/\(kind)")
            guard FileManager.default.fileExists(atPath: folder.path) else { continue }
            let report = ArchiveCheck.run(try Archive.open(folder), depth: .decode)
            let errors = report.issues.filter { $0.severity == .error }
            #expect(errors.compactMap { Int(($0.study ?? "").prefix { $0.isNumber }) } == numbers, "\(kind)")
            #expect(errors.allSatisfy { $0.file?.hasPrefix("01.") == true })
        }
    }
}
