import Foundation
import Testing

import Digest
import Stages

@Suite struct CatalogueStageTests {
    @Test func listsStudiesAndEveryProblem() throws {
        let archive = try TinyArchive(studies: 4)
        try archive.write("east/studies/E100/05.png", Data("text".utf8))
        try archive.write("east/studies/E999/01.png", Data())
        let runner = LocalRunner(registry: StageRegistry([CatalogueStage()]), centres: archive.centres, seed: 1)
        try runner.run(Pipeline.Step(stage: "catalogue", settings: StageSettings()))
        let studies = runner.store.studies()
        #expect(studies.map(\.study) == ["E100", "E101", "E102", "E103", "W100", "W101", "W102", "W103"])
        #expect(studies[0].images == ["01.png", "02.png", "03.png", "04.png"])
        #expect(studies[0].split == "train" && studies[2].split == "val" && studies[0].hasReport)
        #expect(
            runner.store.items.map { "\($0.study) \($0.image ?? "") \($0.status) \($0.reason)" } == [
                "E100 05.png failed not-an-image", "E999 studies/E999 skipped no-report",
            ])
        #expect(runner.store.metrics(ofStep: "catalogue", round: 0) == ["studies": 8, "images": 32, "failedItems": 1])
    }

    /// A bare digest of centre and patient is opened by trying all of them.
    @Test func patientsAreToldApartUnderASecret() throws {
        let archive = try TinyArchive(studies: 4)
        func keys() throws -> [String] {
            let runner = LocalRunner(registry: StageRegistry([CatalogueStage()]), centres: archive.centres, seed: 1)
            try runner.run(Pipeline.Step(stage: "catalogue", settings: StageSettings()))
            return runner.store.studies().map(\.patientKey)
        }
        let (first, second) = (try keys(), try keys())
        #expect(Set(first).count == 8 && first.allSatisfy { $0.count == 64 })
        let bare = (0..<4).flatMap { number in
            ["east", "west"].map { SHA256Digest(hashing: Array("patient\u{0}\($0)\u{0}p\(number)".utf8)).hex }
        }
        #expect(Set(bare).isDisjoint(with: first) && Set(first).isDisjoint(with: second))
    }

    /// The ledger keeps one row an item: lines without a study are items of their own, lines of one study are one.
    @Test func everyItemHasOneRowHoweverMuchIsWrongWithIt() throws {
        let archive = try TinyArchive(studies: 2)
        let table = archive.root.appendingPathComponent("east/reports.jsonl")
        var lines = try String(contentsOf: table, encoding: .utf8)
        for _ in 0..<3 { lines += "{\"text\":\"No polyps.\"}\n" }
        for _ in 0..<2 { lines += "{\"study\":\"E101\",\"text\":\"No polyps.\"}\n" }
        try archive.write("east/reports.jsonl", Data(lines.utf8))
        let runner = LocalRunner(registry: StageRegistry([CatalogueStage()]), centres: archive.centres, seed: 1)
        try runner.run(Pipeline.Step(stage: "catalogue", settings: StageSettings()))
        let items = runner.store.items
        #expect(Set(items.map { [$0.centre, $0.study, $0.image ?? ""] }).count == items.count)
        #expect(items.filter { $0.study.isEmpty }.map(\.image) == (3...5).map { "reports.jsonl, line \($0)" })
        let twice = try #require(items.first { $0.study == "E101" && $0.image == nil })
        #expect(twice.message.contains("line 6") && twice.message.contains("line 7"))
        #expect(runner.store.studies().map(\.study) == ["E100", "E101", "W100", "W101"])
    }

    /// Whatever lies in a bag and is not read has a row; what file managers leave is one row a centre.
    @Test func whatIsNotReadHasARow() throws {
        let archive = try TinyArchive(studies: 4)
        let picture = try Data(contentsOf: archive.root.appendingPathComponent("east/studies/E100/01.png"))
        for study in ["E100", "E101"] { try archive.write("east/studies/\(study)/.DS_Store", Data("x".utf8)) }
        try archive.write("east/studies/E100/IM000005", picture)
        try archive.write("east/studies/E101/IM000005", Data(repeating: 0, count: 128) + Data("DICM....".utf8))
        try archive.write("east/studies/E101/old/01.png", picture)
        // Damage inside, which the header and the end do not show.
        var damaged = picture
        damaged[damaged.count / 2] ^= 0x40
        try archive.write("east/studies/E102/05.png", damaged)
        let runner = LocalRunner(registry: StageRegistry([CatalogueStage()]), centres: archive.centres, seed: 1)
        try runner.run(Pipeline.Step(stage: "catalogue", settings: StageSettings()))
        let rows = Set(runner.store.items.map { "\($0.study) \($0.image ?? "") \($0.status) \($0.reason)" })
        #expect(
            rows == [
                "E101 IM000005 skipped unsupported-format", "E101 old skipped subfolder", "E102 05.png failed corrupt-image",
                "  skipped ignored-files",
            ])
        let names = ["01.png", "02.png", "03.png", "04.png"]
        #expect(runner.store.studies().prefix(3).map(\.images) == [names + ["IM000005"], names, names])
    }

    @Test func aCentreWithoutTableFailsItsOwnShard() throws {
        let archive = try TinyArchive(studies: 2)
        try FileManager.default.removeItem(at: archive.root.appendingPathComponent("east/reports.jsonl"))
        let runner = LocalRunner(registry: StageRegistry([CatalogueStage()]), centres: archive.centres, seed: 1)
        let error = #expect(throws: StageError.self) {
            try runner.run(Pipeline.Step(stage: "catalogue", settings: StageSettings()))
        }
        #expect(error?.code == .archive && error?.message.contains("east") == true)
    }
}
