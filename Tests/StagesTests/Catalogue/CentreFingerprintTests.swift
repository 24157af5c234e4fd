import Foundation
import Stages
import Synchronization
import Testing

@Suite struct CentreFingerprintTests {
    /// What the catalogue makes of an archive, by centre.
    private func fingerprints(of archive: TinyArchive) throws -> [String: CentreFingerprint] {
        let found = Mutex<[String: Data]>([:])
        let note: @Sendable (String, Int, RoundOutcome) -> Void = { _, _, outcome in
            found.withLock { $0 = outcome.fingerprints }
        }
        let runner = LocalRunner(
            registry: StageRegistry([CatalogueStage()]), centres: archive.centres, seed: 1, onRound: note)
        try runner.run(Pipeline.Step(stage: "catalogue", settings: StageSettings()))
        return try found.withLock { $0 }.mapValues { try JSONDecoder().decode(CentreFingerprint.self, from: $0) }
    }

    @Test func anArchiveIsTheSameThoughItGrowsAndLosesFiles() throws {
        let archive = try TinyArchive(studies: 30)
        let east = archive.root.appendingPathComponent("east")
        let print = try #require(try fingerprints(of: archive)["east"])
        #expect(print.mismatch(in: east, centre: "east") == nil)
        let (table, aside) = (east.appendingPathComponent("reports.jsonl"), east.appendingPathComponent("aside"))
        try FileManager.default.moveItem(at: table, to: aside)
        #expect(print.mismatch(in: east, centre: "east") != nil)
        try FileManager.default.moveItem(at: aside, to: table)
        for number in 0..<10 {
            try FileManager.default.removeItem(at: east.appendingPathComponent("studies/E1\(number < 10 ? "0" : "")\(number)/01.png"))
        }
        try archive.write("east/studies/E999/01.png", Data("new".utf8))
        #expect(print.mismatch(in: east, centre: "east") == nil)
    }

    @Test func anotherCentresArchiveIsAnother() throws {
        let archive = try TinyArchive(studies: 6)
        let prints = try fingerprints(of: archive)
        let (east, west) = (archive.root.appendingPathComponent("east"), archive.root.appendingPathComponent("west"))
        let print = try #require(prints["east"])
        #expect(try #require(print.mismatch(in: west, centre: "east")).contains("another archive"))
        // The same names with other pictures, as two centres that count from 1 have them.
        for study in try FileManager.default.contentsOfDirectory(atPath: east.appendingPathComponent("studies").path) {
            for image in 1...4 {
                try archive.write("east/studies/\(study)/0\(image).png", Data("another centre's".utf8))
            }
        }
        #expect(print.mismatch(in: east, centre: "east") != nil)
        // Tables that are there without their images, as a half-mounted archive has them.
        try FileManager.default.removeItem(at: west.appendingPathComponent("studies"))
        #expect(try #require(prints["west"]).mismatch(in: west, centre: "west") != nil)
    }

    @Test func aCentreWithoutImagesIsRecognisedByItsStudies() throws {
        let archive = try TinyArchive(studies: 4)
        let (east, west) = (archive.root.appendingPathComponent("east"), archive.root.appendingPathComponent("west"))
        for folder in [east, west] { try FileManager.default.removeItem(at: folder.appendingPathComponent("studies")) }
        let print = try #require(try fingerprints(of: archive)["east"])
        #expect(print.mismatch(in: east, centre: "east") == nil)
        #expect(print.mismatch(in: west, centre: "east") != nil)
    }

    @Test func aFolderThatIsNoArchiveSaysWhy() throws {
        let archive = try TinyArchive(studies: 1)
        let folder = archive.root.appendingPathComponent("east")
        guard case .there(let stamp) = CentreFolder.look(at: folder) else {
            Issue.record("it is there")
            return
        }
        #expect(CentreFolder.look(at: folder) == .there(stamp: stamp))
        func reason(_ url: URL) -> String {
            if case .away(let reason) = CentreFolder.look(at: url) { reason } else { "there" }
        }
        #expect(reason(archive.root.appendingPathComponent("nowhere")) == "its folder is not there")
        #expect(reason(folder.appendingPathComponent("reports.jsonl")) == "its folder is a file")
        let empty = archive.root.appendingPathComponent("empty")
        try FileManager.default.createDirectory(at: empty, withIntermediateDirectories: true)
        #expect(reason(empty).contains("is empty"))
        try Data().write(to: empty.appendingPathComponent("other.txt"))
        #expect(reason(empty).contains("none of manifest.csv, reports.jsonl, reports.csv"))
    }

    @Test func averagingStagesRefuseMissingReplicasUnlessToldOtherwise() throws {
        for name in ["mil-train", "toco-train", "segment-train"] {
            let stage = try #require(StageRegistry.standard[name])
            #expect(try stage.missingReplicas(settings: StageSettings()) == .refuse)
            let allowing = StageSettings(json: Data(#"{"missingReplicas": "allow"}"#.utf8))
            #expect(try stage.missingReplicas(settings: allowing) == .allow)
            #expect(throws: StageError.self) {
                try stage.validate(settings: StageSettings(json: Data(#"{"missingReplicas": "some"}"#.utf8)))
            }
        }
        #expect(try #require(StageRegistry.standard["cam"]).missingReplicas(settings: StageSettings()) == nil)
    }

    @Test func whatAShardThatWasSetAsideHasLostIsNamedByStudy() {
        let input = Data(#"{"centre":"east","items":[{"study":"b","image":"1"},{"study":"b","image":"2"},{"study":"a","image":"1"}]}"#.utf8)
        func studies(_ input: Data) -> [String] {
            ResultRow.lost(withShard: input, centre: "east", reason: "r", message: "m").compactMap {
                if case .item(let row) = $0 { row.study } else { nil }
            }
        }
        #expect(studies(input) == ["a", "b"])
        #expect(studies(Data(#"{"studies":["x","y"]}"#.utf8)) == ["x", "y"])
        // The catalogue and the evaluation are of a centre as a whole.
        #expect(studies(Data(#"{"centre":"east"}"#.utf8)) == [""])
    }
}
