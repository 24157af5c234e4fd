import Foundation
import Imaging
import Stages
import Testing

/// What evaluation makes of truth that is not as it should be. Two centres of eight studies; image 02 and 04 of every second
/// study show a polyp.
@Suite struct EvaluateStageTests {
    /// Evaluates all studies after `change` has been at the archive.
    /// - Parameter settings: further ones of the stage, each after a comma.
    private func evaluate(settings: String = "", _ change: (TinyArchive) throws -> Void = { _ in }) throws -> MemoryLedger {
        let archive = try TinyArchive(studies: 8)
        let known = try KnownMasks(archive)
        try change(archive)
        let registry = StageRegistry([CatalogueStage(), LabelsStage { _ in PlainExtractor() }, known, EvaluateStage()])
        let pipeline = try Pipeline(
            json5: Data(
                """
                {seed: 6, stages: [{stage: 'catalogue'}, {stage: 'labels'}, {stage: 'segment'},
                  {stage: 'evaluate', splits: ['train', 'val', 'test']\(settings)}]}
                """.utf8), registry: registry)
        let runner = LocalRunner(registry: registry, centres: archive.centres, seed: pipeline.seed, slots: 2)
        try runner.run(pipeline)
        return runner.store
    }

    /// Values by subject, centre, split, level, head and metric, without what is said of the truth itself.
    private func figures(_ ledger: MemoryLedger, centre: String? = nil) -> [String: Double?] {
        Dictionary(
            uniqueKeysWithValues: ledger.evaluations.filter { $0.subject != "truth" && (centre == nil || $0.centre == centre) }.map {
                ("\($0.subject) \($0.centre) \($0.dataset) \($0.level) \($0.head) \($0.metric)", $0.value)
            })
    }

    private func notes(_ ledger: MemoryLedger) -> [String] {
        ledger.evaluations.filter { $0.subject == "truth" }.map { "\($0.centre) \($0.metric): \($0.note)" }
    }

    private static func masks(_ archive: TinyArchive, _ centre: String) throws -> [URL] {
        let truth = archive.root.appendingPathComponent("\(centre)/truth")
        return try FileManager.default.subpathsOfDirectory(atPath: truth.path).sorted().filter { $0.hasSuffix(".png") }
            .map { truth.appendingPathComponent($0) }
    }

    /// Writes each mask of a centre anew.
    private func rewrite(
        _ archive: TinyArchive, _ centre: String, as name: (String) -> String = { $0 }, _ change: (Image8) throws -> Data
    ) throws {
        for url in try Self.masks(archive, centre) {
            let data = try change(try ImageDecoder.decode(contentsOf: url))
            try FileManager.default.removeItem(at: url)
            try data.write(to: url.deletingLastPathComponent().appendingPathComponent(name(url.lastPathComponent)))
        }
    }

    private static func levels(_ mask: Image8, _ polyp: [UInt8]) throws -> Data {
        try ImageEncoder.png(
            try Image8(
                width: mask.width, height: mask.height, channels: polyp.count,
                pixels: mask.pixels.flatMap { $0 > 0 ? polyp : polyp.map { _ in 0 } }))
    }

    @Test func truthInOtherClothesGivesTheSameFigures() throws {
        let plain = try evaluate()
        let figures = figures(plain)
        #expect(figures.count > 40 && notes(plain).isEmpty && plain.items.isEmpty)
        #expect(figures["segment east train mask polyp-pvt dice"].flatMap { $0 }.map { $0 > 0.8 && $0 < 1 } == true)
        let clothes: [(says: String, (TinyArchive) throws -> Void)] = [
            ("0 and 1", { archive in try rewrite(archive, "east") { try Self.levels($0, [1]) } }),
            ("colour", { archive in try rewrite(archive, "east") { try Self.levels($0, [255, 0, 0]) } }),
            (
                "named otherwise",
                { archive in
                    try rewrite(archive, "east", as: { $0.replacing(".png", with: "_mask.png") }) { try ImageEncoder.png($0) }
                }
            ),
            (
                "",
                { archive in
                    let table = archive.root.appendingPathComponent("east/truth.csv")
                    let text = try String(contentsOf: table, encoding: .utf8)
                    let other = text.replacing(",1\n", with: ",True\n").replacing(",0\n", with: ",False\n").replacing(".png", with: "")
                    try archive.write("east/truth.csv", Data(other.replacing(",", with: ";").utf8))
                }
            ),
        ]
        for (says, change) in clothes {
            let ledger = try evaluate(change)
            #expect(self.figures(ledger) == figures, "\(says)")
            #expect(ledger.items.isEmpty)
            #expect(notes(ledger).count == (says.isEmpty ? 0 : 1) && notes(ledger).allSatisfy { $0.contains(says) }, "\(notes(ledger))")
        }
    }

    /// An image without a row shows a polyp where its mask does.
    @Test func blackMasksAreNegativeImagesWhereNoTableSays() throws {
        let plain = try evaluate()
        let ledger = try evaluate { archive in
            try FileManager.default.removeItem(at: archive.root.appendingPathComponent("east/truth.csv"))
            let black = try ImageEncoder.png(Image8(width: 64, height: 64, channels: 1))
            for study in 100..<108 {
                for image in 1...4 {
                    let path = "east/truth/E\(study)/0\(image).png"
                    if !FileManager.default.fileExists(atPath: archive.root.appendingPathComponent(path).path) {
                        try archive.write(path, black)
                    }
                }
            }
        }
        #expect(figures(ledger) == figures(plain) && ledger.items.isEmpty)
    }

    @Test func everyBadMaskIsAnItemAndTheOthersAreMeasured() throws {
        let plain = try evaluate()
        let ledger = try evaluate { archive in
            try archive.write("east/truth/E100/02.png", try ImageEncoder.png(Image8(width: 32, height: 32, channels: 1, fill: 0)))
            try archive.write("east/truth/E100/04.png", Data("canary".utf8))
            let mask = try ImageDecoder.decode(contentsOf: archive.root.appendingPathComponent("east/truth/E102/02.png"))
            try archive.write("east/truth/E102/02.png", try ImageEncoder.png(try mask.resized(width: 50, height: 50, filter: .box)))
            try archive.write("east/truth/E102/04.png", try Self.levels(mask, [2]))
        }
        #expect(
            ledger.items.map { "\($0.centre) \($0.study) \($0.image ?? "") \($0.status) \($0.reason)" } == [
                "east E100 02.png failed empty-mask", "east E100 04.png failed unreadable-mask",
                "east E102 02.png failed mask-size", "east E102 04.png failed ambiguous-mask",
            ])
        #expect(ledger.items.allSatisfy { !$0.message.contains("canary") })
        #expect(figures(ledger, centre: "west") == figures(plain, centre: "west"))
        // Nothing is counted as Dice 0: the train split has one positive study left, the val split none.
        let dice = ledger.evaluations.filter { $0.centre == "east" && $0.subject == "segment" && $0.metric == "dice" }
        #expect(Dictionary(uniqueKeysWithValues: dice.map { ($0.dataset, $0.count) }) == ["train": 2, "test": 2])
        #expect(dice.allSatisfy { ($0.value ?? 0) > 0.8 })
        // The images count as polyps all the same.
        let area = "mil-score east train image student auc"
        #expect(figures(ledger)[area] == figures(plain)[area])
        #expect(notes(ledger).count == 1 && notes(ledger)[0].contains("4 of 8 masks cannot be used"))
    }

    @Test func aCentreThatCannotBeMeasuredStandsInTheSummaryWithItsReason() throws {
        let plain = try evaluate()
        func broken(_ change: @escaping (TinyArchive, URL) throws -> Void) throws -> MemoryLedger {
            try evaluate { archive in
                let east = archive.root.appendingPathComponent("east")
                for name in ["truth", "studies.csv"] { try FileManager.default.removeItem(at: east.appendingPathComponent(name)) }
                try change(archive, east)
            }
        }
        let cases: [(String, MemoryLedger)] = [
            ("1 column", try broken { archive, _ in try archive.write("east/truth.csv", Data("Canary Max\nE100\n".utf8)) }),
            (
                "names no study",
                try broken { archive, _ in
                    try archive.write("east/truth.csv", Data("study,image,polyp\ncanary,1,1\n".utf8))
                }
            ),
            (
                "brings no truth",
                try broken { _, east in
                    try FileManager.default.removeItem(at: east.appendingPathComponent("truth.csv"))
                }
            ),
        ]
        for (says, ledger) in cases {
            let row = try #require(ledger.evaluations.first { $0.subject == "truth" && $0.centre == "east" })
            #expect(row.value == nil && row.metric == "measured" && row.note.contains(says), "\(row.note)")
            #expect(figures(ledger, centre: "west") == figures(plain, centre: "west"))
            let told = ledger.evaluations.map(\.note) + ledger.items.map(\.message)
            #expect(!told.contains { $0.lowercased().contains("canary") })
        }
    }

    /// Rows that cannot be believed are items, once each, and do not take the others with them.
    @Test func badRowsOfTheTablesAreItems() throws {
        let ledger = try evaluate { archive in
            var text = try String(contentsOf: archive.root.appendingPathComponent("east/truth.csv"), encoding: .utf8)
            text += "E100,05.png,canary\nE100,06.png,canary\nE101\n"
            try archive.write("east/truth.csv", Data(text.utf8))
        }
        let rows = (34...36).map { "truth.csv, line \($0)" }
        #expect(
            ledger.items.map { "\($0.study) \($0.image ?? "") \($0.reason)" }.sorted() == [
                " \(rows[2]) wrong-field-count", "E100 \(rows[0]) unknown-truth", "E100 \(rows[1]) unknown-truth",
            ])
        #expect(ledger.items.allSatisfy { !$0.message.contains("canary") })
        #expect(figures(ledger).count == figures(try evaluate()).count)
    }

    /// However studies are cut into shards: the same figures, each fault of the truth once.
    @Test func figuresDoNotDependOnShards() throws {
        func spoil(_ archive: TinyArchive) throws {
            try archive.write("east/truth/E100/04.png", Data("canary".utf8))
            let table = archive.root.appendingPathComponent("east/truth.csv")
            try archive.write("east/truth.csv", Data((try String(contentsOf: table, encoding: .utf8) + "E101,01.jpg,perhaps\n").utf8))
        }
        let whole = try evaluate(spoil)
        let parts = try evaluate(settings: ", studiesPerShard: 3", spoil)
        #expect(parts.evaluations == whole.evaluations && whole.evaluations.count > 40)
        func items(_ ledger: MemoryLedger) -> [String] { ledger.items.map { "\($0.study) \($0.image ?? "") \($0.reason)" }.sorted() }
        #expect(items(parts) == items(whole) && items(whole).count == 2)
    }

    /// A shard that was set aside takes its own studies out of the figures, and that is said.
    @Test func aShardSetAsideIsSaid() throws {
        let ledger = try evaluate(settings: ", studiesPerShard: 3")
        let stage = EvaluateStage()
        let settings = StageSettings(json: Data("{\"splits\": [\"train\", \"val\", \"test\"], \"studiesPerShard\": 3}".utf8))
        let plans = try stage.plan(round: 0, settings: settings, view: ledger)
        #expect(plans.map(\.key) == ["east/00000", "east/00001", "east/00002", "west/00000", "west/00001", "west/00002"])
        let records = plans.map { ShardRecord(key: $0.key, centre: $0.centre, record: nil, blobs: []) }
        let none = try stage.reduce(round: 0, records: records, settings: settings, view: ledger)
        #expect(Self.truth(none).allSatisfy { $0.value == nil && $0.note.contains("no shard of its evaluation came through") })
        // What one shard found: a report's label beside its truth.
        let findings = """
            {"bags": {}, "images": {}, "biopsies": {}, "biopsyImages": {}, "labels": [{"study": "E100", "split": "test", "found": "yes", "truth": "yes"}], "overlaps": [],
              "falseBoxes": {}, "masks": 0, "unusableMasks": 0, "assumptions": {}, "studies": 3, "isNamed": true, "tables": []}
            """
        var some = records
        some[0] = ShardRecord(
            key: some[0].key, centre: "east", record: Data("{\"hasTruth\": true, \"problems\": 0}".utf8),
            blobs: [try ledger.store(Data(findings.utf8))])
        let part = try stage.reduce(round: 0, records: some, settings: settings, view: ledger)
        let east = try #require(Self.truth(part).first { $0.centre == "east" })
        #expect(east.value == 1.0 / 3 && east.note.contains("2 of 3 shards"))
    }

    private static func truth(_ outcome: RoundOutcome) -> [ResultRow.EvaluationRow] {
        outcome.rows.compactMap { if case .evaluation(let row) = $0, row.subject == "truth" { row } else { nil } }
    }
}
