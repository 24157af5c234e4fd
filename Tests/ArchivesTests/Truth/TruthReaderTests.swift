import Foundation
import TestSupport
import Testing

import Archives

@Suite struct TruthReaderTests {
    @Test func readsTablesAndMasks() throws {
        let archive = try TemporaryArchive()
        try archive.write("c/studies.csv", "study,polyp,pathology,report\nA,1,,yes\nB,,x,uncertain\n")
        try archive.write("c/truth.csv", "study,image,polyp\nA,01.jpg,1\nA,02.jpg,0\n")
        try archive.write("c/truth/A/01.png", try TemporaryArchive.png())
        let truth = try TruthReader(CentreArchive(name: "c", directory: archive.root.appendingPathComponent("c")))
        #expect(truth.studies["A"]?.polyp == true && truth.studies["A"]?.report == "yes")
        #expect(truth.studies["B"]?.polyp == nil)
        #expect(truth.images["A"] == ["01.jpg": true, "02.jpg": false])
        #expect(try truth.maskURL(study: "A", image: "01.jpg") != nil)
        #expect(try truth.maskURL(study: "A", image: "02.jpg") == nil)
        #expect(throws: ArchiveError.self) { try truth.maskURL(study: "..", image: "../01.jpg") }
        // What the table says, or else whether there is a mask.
        try archive.write("c/truth/A/02.png", try TemporaryArchive.png())
        try archive.write("c/truth/A/03.png", try TemporaryArchive.png())
        #expect(try truth.showsPolyp(study: "A", image: "02.jpg") == false)
        #expect(try truth.showsPolyp(study: "A", image: "03.jpg") == true)
        #expect(try truth.showsPolyp(study: "A", image: "04.jpg") == nil)
    }

    @Test func absentTruthIsEmptyAndBadTruthIsAnError() throws {
        let archive = try TemporaryArchive()
        try archive.write("c/reports.jsonl", "")
        let centre = CentreArchive(name: "c", directory: archive.root.appendingPathComponent("c"))
        #expect(!TruthReader.exists(in: centre))
        #expect(try TruthReader(centre).images.isEmpty)
        try archive.write("c/truth.csv", "study,image,polyp\nA,01.jpg,perhaps\n")
        #expect(throws: ArchiveError.self) { try TruthReader(centre) }
    }

    @Test(.enabled(if: SharedFolder.isPresent, Comment(rawValue: SharedFolder.whySkipped)))
    func everyPositiveImageOfTheRealArchiveHasItsMask() throws {
        let shared = try #require(SharedFolder.url)
        for centre in try Archive.open(shared.appendingPathComponent("data/archive")) {
            let truth = try TruthReader(centre)
            let positives = truth.images.flatMap { study, images in images.filter(\.value).map { (study, $0.key) } }
            #expect(positives.count > 50)
            for (study, image) in positives { #expect(try truth.maskURL(study: study, image: image) != nil) }
        }
    }
}
