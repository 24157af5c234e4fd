import Foundation
import Imaging
import TestSupport
import Testing

import Archives

@Suite struct TruthReaderTests {
    private func mask(_ box: Box = Box(x0: 3, y0: 3, x1: 9, y1: 9)) throws -> Data {
        var image = Image8(width: 16, height: 12, channels: 1)
        for y in box.y0..<box.y1 { for x in box.x0..<box.x1 { image[x: x, y: y] = 255 } }
        return try ImageEncoder.png(image)
    }

    private func reader(_ archive: TemporaryArchive) -> TruthReader {
        TruthReader(CentreArchive(name: "c", directory: archive.root.appendingPathComponent("c")))
    }

    @Test func readsTablesAndMasks() throws {
        let archive = try TemporaryArchive()
        try archive.write("c/studies.csv", "study,polyp,pathology,report\nA,1,,yes\nB,,x,uncertain\n")
        try archive.write("c/truth.csv", "study,image,polyp\nA,01.jpg,1\nA,02.jpg,0\n")
        try archive.write("c/truth/A/01.png", try mask())
        let truth = reader(archive)
        #expect(truth.issues.isEmpty)
        #expect(truth.studies["A"]?.polyp == true && truth.studies["A"]?.report == "yes")
        #expect(truth.studies["B"]?.polyp == nil)
        #expect(truth.images["A"] == ["01.jpg": true, "02.jpg": false])
        #expect(try truth.maskURL(study: "A", image: "01.jpg") != nil)
        #expect(try truth.maskURL(study: "A", image: "02.jpg") == nil)
        #expect(throws: ArchiveError.self) { try truth.maskURL(study: "..", image: "../01.jpg") }
        // What the table says, or else what the mask shows; an empty one shows none.
        try archive.write("c/truth/A/02.png", try mask())
        try archive.write("c/truth/A/03.png", try mask())
        try archive.write("c/truth/A/05.png", try mask(Box(x0: 0, y0: 0, x1: 0, y1: 0)))
        #expect(try truth.showsPolyp(study: "A", image: "02.jpg") == false)
        #expect(try truth.showsPolyp(study: "A", image: "03.jpg") == true)
        #expect(try truth.showsPolyp(study: "A", image: "04.jpg") == nil)
        #expect(try truth.showsPolyp(study: "A", image: "05.jpg") == false)
    }

    @Test func absentTruthIsEmptyAndABadRowIsAnIssueOfItsOwn() throws {
        let archive = try TemporaryArchive()
        try archive.write("c/reports.jsonl", "")
        let centre = CentreArchive(name: "c", directory: archive.root.appendingPathComponent("c"))
        #expect(!TruthReader.exists(in: centre))
        #expect(TruthReader(centre).images.isEmpty)
        try archive.write(
            "c/truth.csv",
            "study,image,polyp\nA,01.jpg,perhaps\nA,02.jpg,1\n,03.jpg,1\nA,,1\nA,04.jpg,1\nA,04.jpg,0\nA,05.jpg\nA,06.jpg,NA\n")
        let truth = TruthReader(centre)
        #expect(truth.images == ["A": ["02.jpg": true]])
        #expect(
            truth.issues.map { "\($0.row ?? 0) \($0.code)" } == [
                "8 wrong-field-count", "2 unknown-truth", "4 no-study", "5 no-image", "7 contradicting-truth",
            ])
        #expect(truth.issues.allSatisfy { !$0.message.contains("perhaps") && !$0.message.contains(".jpg") })
    }

    @Test func aTableThatIsNoneLosesItsPartAlone() throws {
        let archive = try TemporaryArchive()
        try archive.write("c/truth.csv", "Canary Max,Polyp at 30 cm\n")
        try archive.write("c/studies.csv", "Study;Polyp;Report\nA;Yes;No\n")
        let truth = reader(archive)
        #expect(truth.studies["A"]?.polyp == true && truth.studies["A"]?.report == "no")
        let issue = try #require(truth.issues.first)
        #expect(truth.issues.count == 1 && issue.file == "truth.csv" && issue.row == nil)
        #expect(issue.message.contains("2 columns") && issue.message.contains("study, image, polyp"))
        #expect(!issue.message.contains("Canary") && !issue.message.contains("30 cm"))
    }

    @Test(arguments: [("True", "False"), ("yes", "no"), ("1.0", "0.0"), ("POSITIVE", "negative"), ("ja", "nein"), ("T", "F")])
    func yesAndNoAreReadAsTheyAreWritten(yes: String, no: String) throws {
        let archive = try TemporaryArchive()
        try archive.write("c/truth.csv", "\u{FEFF}STUDY;Image;Polyp;;\r\nA;01.jpg;\(yes);;\r\nA;02.jpg;\(no);;\r\n;;;;\r\n")
        #expect(reader(archive).images == ["A": ["01.jpg": true, "02.jpg": false]])
    }

    /// Folders of masks are listed once, not for every image without one; one that comes later is found all the same.
    @Test func foldersAreKnownByOtherNamesAlsoWhenTheyComeLater() throws {
        let archive = try TemporaryArchive()
        try archive.write("c/truth/\u{00FC}1/01.png", try TemporaryArchive.png())
        try archive.write("c/studies.csv", "study,polyp\nB\u{0308},1\n")
        let truth = reader(archive)
        #expect(try truth.maskURL(study: "u\u{0308}1", image: "01.jpg") != nil)
        #expect(try truth.maskURL(study: "other", image: "01.jpg") == nil)
        try archive.write("c/truth/Other/01.png", try TemporaryArchive.png())
        #expect(try truth.maskURL(study: "other", image: "01.jpg") != nil)
        #expect(truth.truth(ofStudy: "b\u{0308}")?.polyp == true && truth.truth(ofStudy: "c") == nil)
    }

    /// Rows and masks may name an image without its extension, in another case, decomposed, behind a folder.
    @Test func imagesAreKnownByOtherNames() throws {
        let archive = try TemporaryArchive()
        try archive.write("c/truth.csv", "study,image,polyp\nA,01,1\nA,02.JPG,0\nA,studies/A/03.jpg,1\nA,u\u{0308}.jpg,1\n")
        let truth = reader(archive)
        #expect(truth.toldPolyp(study: "A", image: "01.jpg") == true)
        #expect(truth.toldPolyp(study: "A", image: "02.jpg") == false)
        #expect(truth.toldPolyp(study: "A", image: "03.jpg") == true)
        #expect(truth.toldPolyp(study: "A", image: "\u{00FC}.jpg") == true)
        #expect(truth.toldPolyp(study: "A", image: "04.jpg") == nil)
        // The number behind a point is no extension.
        try archive.write("c/truth.csv", "study,image,polyp\nA,1.2.3,1\n")
        #expect(reader(archive).toldPolyp(study: "A", image: "1.2.4") == nil)
    }

    @Test(arguments: [
        "01_mask.png", "01-mask.PNG", "01_seg.png", "01.jpg", "01.jpeg", "01.jpg.png", "01_segmentation.jpg", "01", "01_mask",
    ])
    func masksAreFoundUnderUsualNames(name: String) throws {
        let archive = try TemporaryArchive()
        try archive.write("c/truth/A/\(name)", try mask())
        try archive.write("c/truth/A/011.png", try mask())
        try archive.write("c/truth/A/01_depth.png", try mask())
        let found = try #require(try reader(archive).mask(study: "A", image: "01.jpg"))
        #expect(found.mask.area == 36 && found.assumptions == [.fileName])
    }

    @Test func severalFilesThatMayBeTheMaskAreRefused() throws {
        let archive = try TemporaryArchive()
        try archive.write("c/truth/A/01_mask.png", try mask())
        try archive.write("c/truth/A/01_seg.png", try mask())
        let error = #expect(throws: ArchiveError.self) { try reader(archive).mask(study: "A", image: "01.jpg") }
        #expect(error?.code == .ambiguousName)
        // The plain name comes first.
        try archive.write("c/truth/A/01.png", try mask(Box(x0: 1, y0: 1, x1: 2, y1: 2)))
        #expect(try reader(archive).mask(study: "A", image: "01.jpg")?.mask.area == 1)
    }

    @Test func oneMaskOfTwoImagesOfOneStemIsNobodysUntilTheTableSays() throws {
        let archive = try TemporaryArchive()
        try archive.write("c/studies/A/01.png", try TemporaryArchive.png())
        try archive.write("c/studies/A/01.jpg", try TemporaryArchive.jpeg())
        try archive.write("c/studies/A/01.txt", "about 01")
        try archive.write("c/truth/A/01.png", try mask())
        for image in ["01.png", "01.jpg"] {
            let error = #expect(throws: ArchiveError.self) { try reader(archive).mask(study: "A", image: image) }
            #expect(error?.code == .ambiguousName)
        }
        try archive.write("c/truth.csv", "study,image,polyp\nA,01.jpg,1\nA,01.png,0\n")
        #expect(try reader(archive).mask(study: "A", image: "01.jpg") != nil)
        #expect(throws: ArchiveError.self) { try reader(archive).mask(study: "A", image: "01.png") }
        // A row is not the truth of the other one.
        try archive.write("c/truth.csv", "study,image,polyp\nA,01.jpg,1\n")
        #expect(reader(archive).toldPolyp(study: "A", image: "01.png") == nil)
        try archive.write("c/truth/A/01.png.png", try mask(Box(x0: 1, y0: 1, x1: 2, y1: 2)))
        #expect(try reader(archive).mask(study: "A", image: "01.png")?.mask.area == 1)
    }

    @Test(.enabled(if: SharedFolder.isPresent, Comment(rawValue: SharedFolder.whySkipped)))
    func everyPositiveImageOfTheRealArchiveHasItsMask() throws {
        let shared = try #require(SharedFolder.url)
        for centre in try Archive.open(shared.appendingPathComponent("data/archive")) {
            let truth = TruthReader(centre)
            #expect(truth.issues.isEmpty)
            let positives = truth.images.flatMap { study, images in images.filter(\.value).map { (study, $0.key) } }
            #expect(positives.count > 50)
            for (study, image) in positives {
                let mask = try #require(try truth.mask(study: study, image: image))
                #expect(!mask.isEmpty, "\(study)/\(image)")
            }
        }
    }

    /// Every kind of mask in the folder of odd inputs is that of the plain centre beside it.
    @Test(.enabled(if: SharedFolder.isPresent, Comment(rawValue: SharedFolder.whySkipped)))
    func oddMasksAreThePlainOnes() throws {
        let folder = try #require(SharedFolder.url).appendingPathComponent("trials/truth")
        let plain = TruthReader(CentreArchive(name: "c", directory: folder.appendingPathComponent("00plain")))
        let kinds = [
            "01zero-one", "04red", "05rgba-alpha", "06jpgfiles", "07palette-voc", "08nocsv-allmasks", "10bit16", "12suffix",
            "13truefalse", "14noext", "16bit16-one",
        ]
        for kind in kinds {
            let centre = CentreArchive(name: "c", directory: folder.appendingPathComponent(kind))
            let truth = TruthReader(centre)
            #expect(truth.issues.isEmpty, "\(kind)")
            for (study, images) in plain.images {
                for (image, polyp) in images {
                    #expect(try truth.showsPolyp(study: study, image: image) == polyp, "\(kind): \(study)/\(image)")
                    guard let own = try plain.mask(study: study, image: image) else { continue }
                    let other = try #require(try truth.mask(study: study, image: image), "\(kind): \(study)/\(image)")
                    let wrong = zip(own.mask.bits, other.mask.bits).count { $0 != $1 }
                    #expect(wrong * 200 <= (kind == "06jpgfiles" ? own.mask.area : 0), "\(kind): \(study)/\(image) \(wrong)")
                }
            }
        }
    }
}
