import Foundation
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
                "A 03.jpg truncated-image", "A 04.png empty-file", "A 05.png not-an-image", "A 06.tif not-an-image", "B  single-image", "C  no-folder", "D  empty-bag", "E 03.png too-many-pixels",
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

    @Test(.enabled(if: SharedFolder.isPresent, Comment(rawValue: SharedFolder.whySkipped)))
    func theRealArchiveIsSound() throws {
        let shared = try #require(SharedFolder.url)
        let report = ArchiveCheck.run(try Archive.open(shared.appendingPathComponent("data/archive")), depth: .decode)
        #expect(report.issues.isEmpty)
        #expect(report.centres.map(\.images) == [782, 1626, 1160])
        #expect(report.centres.allSatisfy { $0.hasTruth })
    }
}
