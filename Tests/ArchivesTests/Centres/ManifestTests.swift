import Foundation
import Testing

import Archives

@Suite struct ManifestTests {
    private let header = "bag_id,centre,patient_hash,report_path,image_path,label,split,process,scanner\n"

    private func archive(_ rows: String) throws -> TemporaryArchive {
        let archive = try TemporaryArchive()
        try archive.write("manifest.csv", header + rows)
        for path in ["img/a1.png", "img/a2.png", "img/b1.png", "more/a1.png"] {
            try archive.write(path, try TemporaryArchive.png())
        }
        try archive.write("txt/a.txt", "One polyp.")
        return archive
    }

    @Test func patternsPathsAndUnknownColumns() throws {
        let archive = try archive(
            """
            A,east,p1,txt/a.txt,img/a?.png,,train,1,X9
            B,west,p2,txt/none.txt,img/b1.png,no,test,0,X1
            B,west,p2,txt/none.txt,img/a1.png,no,test,0,X1
            """)
        let centres = try Archive.open(archive.root)
        #expect(centres.map(\.name) == ["east", "west"])
        let east = try centres[0].index()
        #expect(east["A"]?.text == "One polyp.")
        #expect(east["A"]?.otherColumns["scanner"] == "X9")
        #expect(try east.images(ofStudy: "A") == ["a1.png", "a2.png"])
        #expect(try !east.imageData(study: "A", image: "a1.png").isEmpty)
        let west = try centres[1].index()
        #expect(west["B"]?.isProcessed == false)
        #expect(try west.images(ofStudy: "B") == ["a1.png", "b1.png"])
        #expect(Set(west.issues.map(\.code)) == ["missing-report", "no-report"])
    }

    @Test func contradictionsAndEscapesAreIssues() throws {
        let archive = try archive(
            """
            A,east,p1,txt/a.txt,img/a1.png,,train,1,
            A,east,p2,txt/a.txt,img/a2.png,,train,1,
            A,east,p1,txt/a.txt,more/a1.png,,train,1,
            A,east,p1,txt/a.txt,../*.png,,train,1,
            A,east,p1,txt/a.txt,img/z*.png,,train,1,
            """)
        let index = try #require(try Archive.open(archive.root).first).index()
        #expect(index.issues.map(\.code) == ["duplicate-study", "duplicate-image", "unsafe-name", "no-match"])
        #expect(index.issues.map(\.row) == [3, 4, 5, 6])
        #expect(try index.images(ofStudy: "A") == ["a1.png"])
    }

    @Test func pathsOfOtherSystemsAndMarksAreRead() throws {
        let archive = try archive(
            """
            A,east,p1,.\\txt\\a.txt,img\\a?.png,,train,no,
            B,east,p2,txt/b.txt,./img/b1.png,,train,YES,
            C,east,p3,txt/b.txt,img/./a1.png,,train,maybe,
            """)
        try archive.write("txt/b.txt", "\u{FEFF}No polyps.")
        let index = try #require(try Archive.open(archive.root).first).index()
        #expect(index["A"]?.text == "One polyp." && index["A"]?.isProcessed == false)
        try archive.write("txt/b.txt", Data([0xFF, 0xFE]) + ("息肉。".data(using: .utf16LittleEndian) ?? Data()))
        #expect(try #require(try Archive.open(archive.root).first).index()["C"]?.text == "息肉。")
        #expect(index["B"]?.text == "No polyps." && index["B"]?.isProcessed == true)
        #expect(try index.images(ofStudy: "A") == ["a1.png", "a2.png"])
        #expect(try !index.imageData(study: "B", image: "b1.png").isEmpty)
        #expect(index.issues.map(\.code) == ["unknown-process"])
    }

    /// A shifted column puts text where a path belongs: no message quotes it.
    @Test func noMessageQuotesACell() throws {
        let archive = try archive(
            """
            A,east,p1,canary one,canary*,canary,canary,canary,
            B,east,p2,txt/a.txt,canary/b1.png,,train,1,
            C,east,p2,txt/a.txt,canary/b1.png,,train,1,
            C,east,p2,txt/a.txt,other/b1.png,,train,1,
            """)
        let report = ArchiveCheck.run(try Archive.open(archive.root), depth: .header)
        #expect(report.issues.count >= 6)
        for issue in report.issues { #expect(!issue.message.contains("canary"), "\(issue.message)") }
    }
}
