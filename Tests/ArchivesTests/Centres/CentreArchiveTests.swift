import Foundation
import TestSupport
import Testing

import Archives

@Suite struct CentreArchiveTests {
    @Test func opensCentresByNameAndReadsTheirTables() throws {
        let archive = try TemporaryArchive()
        try archive.addCentre("south", studies: ["S2", "S1"])
        try archive.addCentre("north", studies: ["N1"]) { _ in ", \"split\": \"val\", \"language\": \"en\", \"label\": 1" }
        try archive.write("notes/readme.txt", "nothing")
        let centres = try Archive.open(archive.root)
        #expect(centres.map(\.name) == ["north", "south"])
        let north = try centres[0].index()
        #expect(north.records.map(\.split) == [.val])
        #expect(north.records[0].label == "yes")
        let south = try centres[1].index()
        #expect(south.records.map(\.study) == ["S1", "S2"])
        #expect(try south.images(ofStudy: "S1") == ["01.png", "02.jpg"])
        #expect(try south.images(ofStudy: "none") == [])
        #expect(String(describing: south.records[0]) == "study S1")
        #expect(try Archive.open(archive.root.appendingPathComponent("north")).map(\.name) == ["north"])
    }

    @Test func absentOrEmptyArchivesAreErrors() throws {
        let archive = try TemporaryArchive()
        #expect(throws: ArchiveError.self) { try Archive.open(archive.root) }
        #expect(throws: ArchiveError.self) { try Archive.open(archive.root.appendingPathComponent("none")) }
    }

    @Test func namesAndLinksDoNotLeaveTheCentre() throws {
        let archive = try TemporaryArchive()
        try archive.addCentre("c", studies: ["A"])
        try archive.write("secret.png", try TemporaryArchive.png())
        let studies = archive.root.appendingPathComponent("c/studies")
        try FileManager.default.createSymbolicLink(
            at: studies.appendingPathComponent("A/03.png"), withDestinationURL: archive.root.appendingPathComponent("secret.png"))
        try FileManager.default.createSymbolicLink(
            at: studies.appendingPathComponent("A/04.png"), withDestinationURL: studies.appendingPathComponent("A/01.png"))
        let index = try CentreArchive(name: "c", directory: archive.root.appendingPathComponent("c")).index()
        for (study, image) in [("A", "../../../secret.png"), ("..", "secret.png"), ("A/..", "01.png"), ("A", "03.png")] {
            let error = #expect(throws: ArchiveError.self) { try index.imageData(study: study, image: image) }
            #expect(error?.code == .unsafeName)
        }
        #expect(try index.imageData(study: "A", image: "04.png") == index.imageData(study: "A", image: "01.png"))
    }

    @Test func badRowsAreIssuesAndTheRestIsRead() throws {
        let archive = try TemporaryArchive()
        try archive.write(
            "c/reports.csv",
            """
            study,patient,text,split,label
            A,p1,fine,train,yes
            A,p1,again,train,
            ../x,p2,fine,train,
            ,p3,fine,,
            B,p4,fine,holiday,
            C,,fine,,maybe
            D,p5,,,
            E,p6,"broken,,
            F,p7,fine,train,
            G,p7,fine,test,
            """)
        let index = try CentreArchive(name: "c", directory: archive.root.appendingPathComponent("c")).index()
        #expect(index.records.map(\.study) == ["A", "C", "D", "F"])
        let codes = index.issues.map { "\($0.row ?? 0) \($0.code)" }
        #expect(
            Set(codes) == [
                "3 duplicate-study", "4 unsafe-name", "5 no-study", "6 unknown-split", "7 no-patient", "7 unknown-label",
                "8 no-report", "9 broken-quote", "10 patient-in-two-splits", "11 patient-in-two-splits",
            ])
        #expect(index.issues.allSatisfy { $0.centre == "c" && $0.file == "reports.csv" && !$0.message.contains("p7") })
    }

    @Test func labelsAndIdentifiersMayBeOfAnyKind() throws {
        let archive = try TemporaryArchive()
        try archive.write(
            "c/reports.jsonl",
            """
            {"study":1,"patient":2,"text":"x","label":true}
            {"Study":"B","PATIENT":"q","Text":"x","label":0.0,"language":"a canary of a report"}
            {"study":"C","patient":"r","text":"x","label":1.0,"split":null,"language":"zh-Hans"}
            {"study":"D","patient":"s","text":{"canary":"x"}}
            ["canary"]
            """)
        let index = try CentreArchive(name: "c", directory: archive.root.appendingPathComponent("c")).index()
        #expect(index.records.map { "\($0.study) \($0.patient) \($0.label ?? "")" } == ["1 2 yes", "B q no", "C r yes"])
        #expect(index.records.map(\.language) == [nil, nil, "zh-Hans"])
        #expect(index.issues.map { "\($0.row ?? 0) \($0.code)" } == ["4 bad-json", "5 bad-json", "2 unknown-language"])
        #expect(index.issues.allSatisfy { !$0.message.contains("canary") })
    }

    @Test func reportOfFiveMegabytesIsNotRead() throws {
        let archive = try TemporaryArchive()
        let text = String(repeating: "polyp ", count: 900_000)
        try archive.write(
            "c/reports.jsonl",
            "{\"study\":\"A\",\"patient\":\"p\",\"text\":\"\(text)\"}\n{\"study\":\"B\",\"patient\":\"q\",\"text\":\"ok\"}\n")
        let index = try CentreArchive(name: "c", directory: archive.root.appendingPathComponent("c")).index()
        #expect(index["A"]?.text == nil)
        #expect(index["B"]?.text == "ok")
        #expect(index.issues.map(\.code) == ["oversized-report"])
    }

    @Test(.enabled(if: SharedFolder.isPresent, Comment(rawValue: SharedFolder.whySkipped)))
    func readsTheRealArchiveAsItLies() throws {
        let shared = try #require(SharedFolder.url)
        let centres = try Archive.open(shared.appendingPathComponent("data/archive"))
        #expect(centres.map(\.name) == ["barcelona", "hanoi-a", "hanoi-b"])
        let indexes = try centres.map { try $0.index() }
        #expect(indexes.map(\.records.count) == [69, 188, 135])
        #expect(indexes.flatMap(\.issues).isEmpty)
    }
}
