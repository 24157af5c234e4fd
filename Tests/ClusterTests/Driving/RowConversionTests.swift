import Cluster
import Digest
import Foundation
import Ledger
import Stages
import Testing

/// Rows must come back from the ledger as the stages wrote them.
@Suite struct RowConversionTests {
    typealias Row = Stages.ResultRow

    @Test func studiesComeBackAsTheyWere() throws {
        for language in [nil, "de"] {
            let row = Row.StudyRow(
                centre: "north", study: "s1", patientKey: "ab", split: "val", language: language, images: ["1.png", "2.jpg"],
                hasReport: language == nil)
            guard case .study(let kept) = try LedgerRow(.study(row)) else {
                Issue.record("another kind of row")
                return
            }
            #expect(Row.StudyRow(kept) == row)
        }
    }

    @Test func aNumberThatIsNoneHasNoPlace() throws {
        for row in [
            Row.bagScore(.init(centre: "c", study: "s7", head: "dsmil", probability: .nan)),
            .imageScore(.init(centre: "c", study: "s7", image: "i", head: "student", score: .infinity)),
            .box(.init(centre: "c", study: "s7", image: "i", rectangle: nil, areaShare: .nan, isKept: false, rejection: "x")),
            .evaluation(
                .init(
                    subject: "s7", model: nil, dataset: "test", centre: "c", level: "bag", head: "", metric: "auc", value: 1,
                    lower: -.infinity, count: 1)),
        ] {
            let error = #expect(throws: StageError.self) { try LedgerRow(row) }
            #expect(error?.code == .numeric && error?.message.contains("s7") == true)
        }
    }

    @Test func labelsScoresAndMasksComeBackAsTheyWere() throws {
        let label = Row.ReportLabelRow(
            centre: "c", study: "s", polyp: "uncertain", confidence: 0.5, findings: "{\"count\":1}", source: "rules")
        let bag = Row.BagScoreRow(centre: "c", study: "s", head: "dsmil", probability: 0.25)
        let image = Row.ImageScoreRow(centre: "c", study: "s", image: "i", head: "attention", score: -3)
        let mask = Row.MaskRow(centre: "c", study: "s", image: "i", kind: "cam", content: SHA256Digest(hashing: Data()))
        let picture = Row.PictureRow(
            centre: "c", study: "s", image: "i", kind: "overlay", digest: SHA256Digest(hashing: Data("p".utf8)))
        for row in [Row.reportLabel(label), .bagScore(bag), .imageScore(image), .mask(mask), .picture(picture)] {
            switch try LedgerRow(row) {
            case .reportLabel(let kept): #expect(Row.ReportLabelRow(kept) == label)
            case .bagScore(let kept): #expect(Row.BagScoreRow(kept) == bag)
            case .imageScore(let kept): #expect(Row.ImageScoreRow(kept) == image)
            case .mask(let kept): #expect(Row.MaskRow(kept) == mask)
            case .picture(let kept): #expect([kept.centre, kept.study, kept.image, kept.kind] == ["c", "s", "i", "overlay"])
            default: Issue.record("another kind of row")
            }
        }
    }

    @Test(arguments: [Row.BoxRow.Rectangle(x0: 3, y0: 4, x1: 10, y1: 20), nil])
    func boxesComeBackAsTheyWere(rectangle: Row.BoxRow.Rectangle?) throws {
        let row = Row.BoxRow(
            centre: "c", study: "s", image: "i", rectangle: rectangle, areaShare: rectangle == nil ? 0 : 0.1,
            isKept: rectangle != nil, rejection: rectangle == nil ? "no-foreground" : nil)
        guard case .box(let kept) = try LedgerRow(.box(row)) else {
            Issue.record("another kind of row")
            return
        }
        #expect(Row.BoxRow(kept) == row)
    }

    @Test func whatTheLedgerHasNoPlaceForIsRefused() {
        #expect(throws: ClusterError.self) {
            try LedgerRow(
                .reportLabel(.init(centre: "c", study: "s", polyp: "maybe", confidence: 1, findings: "{}", source: "rules")))
        }
        #expect(throws: ClusterError.self) {
            try LedgerRow(.item(.init(centre: "c", study: "s", image: nil, status: "lost", reason: "", message: "")))
        }
    }

    /// Through a real ledger: undefined metrics, items of whole studies, and which stage's rows win.
    @Test func evaluationsAndItemsAreKeptWhole() throws {
        let ledger = Ledger(connectionString: try TestDatabase.make())
        defer { ledger.close() }
        try ledger.migrate()
        _ = try ledger.acquireLeadership(holder: "test", timeToLive: .seconds(60), grace: .zero)
        let job = try JobSubmission.submit(
            pipeline: Data("{ seed: 18446744073709551, stages: [ { stage: \"noop\" } ] }".utf8), archive: "a",
            centres: ["b", "a", "b"], registry: StageRegistry([NoOpStage()]), ledger: ledger)
        let stored = try #require(try ledger.job(job))
        #expect(UInt64(bitPattern: stored.seed) == 18_446_744_073_709_551)
        let description = try JobDescription(stored: stored.pipeline)
        #expect(description.centres == ["a", "b"])
        #expect(try description.pipeline(registry: StageRegistry([NoOpStage()])).steps.map(\.stage) == ["noop"])
        let rows: [Row] = [
            .evaluation(
                .init(
                    subject: "mil-score", model: nil, dataset: "test", centre: "a", level: "bag", head: "dsmil", metric: "auc",
                    value: nil, count: 3, note: "only one class")),
            .evaluation(
                .init(
                    subject: "mil-score", model: nil, dataset: "test", centre: "a", level: "bag", head: "attention",
                    metric: "auc", value: 0.9, lower: 0.8, upper: 1, count: 3)),
            .item(.init(centre: "a", study: "s", image: nil, status: "empty", reason: "empty-bag", message: "no image")),
        ]
        try ledger.writeRows(job: job, stage: "noop", try rows.map { try LedgerRow($0) })
        let kept = try ledger.evaluations(job: job).map(\.row)
        #expect(kept.map(\.head) == ["attention", "dsmil"])
        #expect(kept.map(\.value) == [0.9, nil])
        #expect(kept.map(\.note) == ["", "only one class"])
        #expect(try ledger.itemStatuses(job: job, stage: "noop").map(\.image) == [""])
    }

    @Test func aPipelineThatNamesAStageTwiceOrLacksOneOrHasNoCentreIsRefused() throws {
        let ledger = Ledger(connectionString: "host=/nowhere")
        let registry = StageRegistry([NoOpStage()])
        let twice = Data("{ stages: [ { stage: \"noop\" }, { stage: \"noop\" } ] }".utf8)
        let repeated = try #require(throws: StageError.self) {
            try JobSubmission.submit(pipeline: twice, archive: "a", centres: ["n"], registry: registry, ledger: ledger)
        }
        #expect(repeated.message.contains("more than one step noop"))
        let once = Data("{ stages: [ { stage: \"noop\" } ] }".utf8)
        let error = try #require(throws: ClusterError.self) {
            try JobSubmission.submit(pipeline: once, archive: "a", centres: [], registry: registry, ledger: ledger)
        }
        #expect(error.message.contains("--centre"))
        let lacking = Data("{ stages: [ { stage: \"catalogue\" }, { stage: \"mil-score\" } ] }".utf8)
        let missing = try #require(throws: StageError.self) {
            try JobSubmission.submit(pipeline: lacking, archive: "a", centres: ["n"], registry: .standard, ledger: ledger)
        }
        #expect(missing.message.contains("mil-score needs mil-train before it"))
    }
}
