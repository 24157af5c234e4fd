import Foundation
import Imaging
import Testing

import Archives

/// Which files of a bag are its images, and what becomes of the others.
@Suite struct BagTests {
    private func check(_ archive: TemporaryArchive, centre: String = "c") throws -> (bags: [StudyCheck.Findings], check: StudyCheck) {
        let index = try CentreArchive(name: centre, directory: archive.root.appendingPathComponent(centre)).index()
        let check = StudyCheck(index: index, files: ImageFileCheck(depth: .decode))
        return (check.run(index.records), check)
    }

    @Test func anImageIsKnownByItsBytes() throws {
        let archive = try TemporaryArchive()
        try archive.addCentre("c", studies: ["A"])
        let (png, jpeg) = (try TemporaryArchive.png(), try TemporaryArchive.jpeg())
        let long = String(repeating: "n", count: 251) + ".jpg"
        for name in ["03.jfif", "04.JPE", "05.JPG", "06", "IM000001", "07.dcm", "08.tif", "09.txt", long] {
            try archive.write("c/studies/A/\(name)", name == "08.tif" ? png : jpeg)
        }
        let bag = try check(archive).bags[0]
        #expect(bag.issues.isEmpty)
        #expect(bag.images == ["01.png", "02.jpg", "03.jfif", "04.JPE", "05.JPG", "06", "07.dcm", "08.tif", "09.txt", "IM000001", long])
        let index = try check(archive).check.index
        #expect(try index.imageData(study: "A", image: long) == jpeg)
    }

    @Test func whatIsNotReadIsListedOnce() throws {
        let archive = try TemporaryArchive()
        try archive.addCentre("c", studies: ["A", "B"])
        let jpeg = try TemporaryArchive.jpeg()
        try archive.write("c/studies/A/IM000001", Data(repeating: 0, count: 128) + Data("DICM".utf8) + Data(repeating: 0, count: 50))
        try archive.write("c/studies/A/notes.txt", "CANARY")
        try archive.write("c/studies/A/03.webp", Data("RIFF    WEBPVP8 ".utf8))
        try archive.write("c/studies/A/04.jpg", Data("GIF89a......".utf8))
        try archive.write("c/studies/A/05", jpeg.prefix(jpeg.count / 2))
        try archive.write("c/studies/A/old/01.jpg", jpeg)
        try archive.write("c/studies/A/.06.jpg", jpeg)
        for name in [".DS_Store", "._01.png", "Thumbs.db"] {
            for study in ["A", "B"] { try archive.write("c/studies/\(study)/\(name)", "x") }
        }
        try archive.write("c/studies/A/b\\07.jpg", jpeg)
        let latin = archive.root.path + "/c/studies/A/"
        let file = fopen(Array(latin.utf8CString.dropLast()) + [CChar(bitPattern: 0xE4), 0x2E, 0x6A, 0x70, 0x67, 0], "w")
        fclose(file)
        let folder = archive.root.path + "/c/studies/"
        #expect(mkdir(Array(folder.utf8CString.dropLast()) + [CChar(bitPattern: 0xFC), 0], 0o700) == 0)
        #expect(mkfifo(archive.root.path + "/c/studies/A/pipe", 0o600) == 0)
        let (bags, check) = try check(archive)
        #expect(bags[0].images == ["01.png", "02.jpg"] && bags[1].images == ["01.png", "02.jpg"])
        let found = bags[0].issues.map { "\($0.severity.rawValue) \($0.file ?? "") \($0.code)" }
        #expect(
            Set(found) == [
                "warning old subfolder", "warning pipe not-a-file", "warning .06.jpg hidden-file", "error  unsafe-name",
                "warning 03.webp unsupported-format", "error 04.jpg unsupported-format", "error 05 truncated-image",
                "warning IM000001 unsupported-format", "warning notes.txt not-an-image",
            ])
        #expect(found.count == 9 && bags[1].issues.isEmpty)
        #expect(bags[0].issues.first { $0.code == "unsafe-name" }?.message.hasPrefix("2 files") == true)
        #expect(bags.map(\.housekeeping) == [3, 3])
        #expect(check.foldersWithoutReport().map(\.code) == ["unsafe-name"])
        #expect(check.ignored(6).map(\.message).first?.hasPrefix("6 hidden files") == true && check.ignored(0).isEmpty)
        #expect(!bags[0].issues.contains { $0.message.contains("CANARY") })
    }

    /// A table writes "ü" as one letter; macOS and some shares keep it as two.
    @Test func namesMatchHoweverTheirLettersAreComposed() throws {
        let (composed, decomposed) = ("F\u{FC}rth", "Fu\u{308}rth")
        let archive = try TemporaryArchive()
        let jpeg = try TemporaryArchive.jpeg()
        try archive.write("c/reports.jsonl", "{\"study\":\"\(composed)\",\"patient\":\"p\",\"text\":\"No polyps.\"}\n")
        try archive.write("c/studies/\(decomposed)/a\u{308}.jpg", jpeg)
        try archive.write("c/studies/\(decomposed)/b.jpg", jpeg)
        try archive.write("c/truth.csv", "study,image,polyp\n\(composed),\u{E4}.jpg,1\n")
        try archive.write("c/truth/\(decomposed)/a\u{308}.png", try TemporaryArchive.png())
        let (bags, check) = try check(archive)
        #expect(bags[0].issues.isEmpty && bags[0].images.count == 2)
        // The file's own name, to the byte.
        let own = try #require(bags[0].images.last)
        #expect(Array(own.utf8) == Array("a\u{308}.jpg".utf8))
        #expect(try check.index.imageData(study: composed, image: own) == jpeg)
        #expect(try check.index.imageData(study: composed, image: "\u{E4}.jpg") == jpeg)
        #expect(check.foldersWithoutReport().isEmpty)
        let truth = TruthReader(check.index.archive)
        #expect(try truth.showsPolyp(study: composed, image: own) == true)
        #expect(try truth.maskURL(study: composed, image: own) != nil)
        // A folder that has both keeps one, and says so.
        try archive.write("c/studies/\(decomposed)/\u{E4}.jpg", jpeg)
        let again = try self.check(archive).bags[0]
        #expect(again.images.count == 2 && again.issues.map(\.code) == ["duplicate-image"])
    }

    @Test func aManifestFindsItsFilesHoweverTheirLettersAreComposed() throws {
        let archive = try TemporaryArchive()
        try archive.write("r/A.txt", "No polyps.")
        try archive.write("bu\u{308}cher/a\u{308}.jpg", try TemporaryArchive.jpeg())
        try archive.write("bu\u{308}cher/b.jpg", try TemporaryArchive.jpeg())
        try archive.write(
            "manifest.csv",
            "bag_id,centre,patient_hash,report_path,image_path\nA,c,p,r/A.txt,b\u{FC}cher/\u{E4}.jpg\nA,c,p,r/A.txt,b\u{FC}cher/b*\n")
        let index = try #require(try Archive.open(archive.root).first).index()
        let bag = StudyCheck(index: index, files: ImageFileCheck(depth: .decode)).run(index.records)[0]
        #expect(bag.images.count == 2 && bag.issues.isEmpty)
    }

    @Test(.enabled(if: geteuid() != 0, "root may read every folder"))
    func aFolderThatMayNotBeReadIsNotCalledMissing() throws {
        let archive = try TemporaryArchive()
        try archive.addCentre("c", studies: ["A"])
        let folder = archive.root.appendingPathComponent("c/studies/A").path
        #expect(chmod(folder, 0) == 0)
        defer { chmod(folder, 0o700) }
        #expect(try check(archive).bags[0].issues.map(\.code) == ["unreadable"])
    }
}
