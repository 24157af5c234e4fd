import Digest
import Foundation
import Ledger
import PostgreSQL
import Testing

@Suite struct CommittingTests {
    private func label(_ study: String, confidence: Double = 0.9) -> ResultRow {
        .reportLabel(
            ReportLabelRow(
                centre: "north", study: study, polyp: .yes, confidence: confidence, findings: Data("[]".utf8),
                source: "rules"))
    }

    @Test func duplicateIsToldFromStale() throws {
        let test = try TestLedger()
        try test.enqueue(1)
        let first = try test.claim(1)[0]
        try test.runOut(first.lease)
        #expect(try test.ledger.expireLeases().map(\.lease) == [first.lease])
        try test.direct().execute("UPDATE shard SET available_at = now()")
        let second = try test.claim(1, by: .b)[0]
        #expect(second.fence == first.fence + 1)
        // The late result of the first attempt, then the right one, twice: its acknowledgement was lost.
        #expect(try test.ledger.commit([first.committed(rows: [label("s")])]) == [.stale])
        #expect(try test.ledger.reportLabels(job: test.job).isEmpty, "a stale result writes nothing")
        let right = second.committed(by: .b, rows: [label("s")])
        #expect(try test.ledger.commit([right, right]) == [.accepted, .duplicate])
        #expect(try test.ledger.commit([right]) == [.duplicate])
        #expect(try test.ledger.commit([first.committed(rows: [label("s")])]) == [.stale])
        #expect(try test.ledger.reportLabels(job: test.job).count == 1)
        #expect(try test.ledger.shardRecords(job: test.job, stage: "labels", round: 0).map(\.worker) == ["b"])
    }

    @Test func lateResultBeforeAnyoneElseStillCounts() throws {
        let test = try TestLedger()
        try test.enqueue(1)
        let shard = try test.claim(1)[0]
        try test.runOut(shard.lease)
        #expect(try test.ledger.commit([shard.committed()]) == [.accepted], "nobody has expired it")
        #expect(try test.ledger.expireLeases().isEmpty)
    }

    @Test func wrongFenceOrWorkerChangesNothing() throws {
        let test = try TestLedger()
        try test.enqueue(1)
        let shard = try test.claim(1)[0]
        var forged = shard.committed(rows: [label("s")])
        forged.lease.fence += 1
        var stranger = shard.committed(rows: [label("s")])
        stranger.worker = WorkerIncarnation(name: "a", boot: "another")
        let unknown = ShardCommit(
            lease: LeaseKey(shard: ShardID(99), fence: 1), worker: .a, record: Data("{}".utf8))
        #expect(try test.ledger.commit([forged]) == [.stale])
        #expect(try test.ledger.commit([stranger, unknown]) == [.stale, .stale])
        #expect(try test.counts().kept.done == 0)
    }

    @Test func oneBadResultDoesNotHoldUpTheOthers() throws {
        let test = try TestLedger()
        try test.enqueue(5)
        let shards = try test.claim(5)
        let outcomes = try test.ledger.commit([
            shards[0].committed(rows: [label("s0")]),
            shards[1].committed(rows: [label("s0")]),  // another shard's row
            shards[2].committed(record: "{broken"),
            shards[3].committed(rows: [label("s3", confidence: 7)]),
            shards[4].committed(rows: [label("s4")]),
        ])
        #expect(outcomes[0] == .accepted)
        #expect(outcomes[4] == .accepted)
        for outcome in outcomes[1...3] {
            guard case .invalid(let reason) = outcome else {
                Issue.record("\(outcome)")
                continue
            }
            #expect(!reason.isEmpty)
        }
        #expect(try test.ledger.reportLabels(job: test.job).map(\.study) == ["s0", "s4"])
        let counts = try test.counts()
        #expect(counts.kept == counts.counted)
        #expect(counts.kept.done == 2 && counts.kept.leased == 3, "their leases still stand")
        let outcome = try test.ledger.fail(
            shards[1].lease, worker: .a, code: "invalid-result", error: "row twice", isInfrastructureLoss: false)
        #expect(outcome != .stale)
    }

    @Test func blobsMustBeThere() throws {
        let test = try TestLedger()
        try test.enqueue(1)
        let shard = try test.claim(1)[0]
        var commit = shard.committed()
        commit.blobs = [SHA256Digest(hashing: Data("delta".utf8))]
        guard case .invalid? = try test.ledger.commit([commit]).first else {
            Issue.record("a result whose blob is missing was accepted")
            return
        }
        let digest = try test.ledger.putBlob(Data("delta".utf8))
        #expect(try test.ledger.commit([commit]) == [.accepted])
        #expect(try test.ledger.shardRecords(job: test.job, stage: "labels", round: 0).first?.blobs == [digest])
    }

    @Test func everyKindOfRowComesBack() throws {
        let test = try TestLedger()
        try test.enqueue(1)
        let shard = try test.claim(1)[0]
        let digest = try test.ledger.putBlob(Data("mask".utf8))
        let study = StudyRow(
            centre: "north", study: "s1", patient: "p", split: "train", language: "en", images: ["b.png", "a.png"],
            pathology: "adenoma")
        let box = BoxRow(
            centre: "north", study: "s1", image: "a.png", x0: 1, y0: 2, x1: 3, y1: 4, areaFraction: 0.1, kept: false,
            reason: "touches-border")
        let mask = MaskRow(centre: "north", study: "s1", image: "a.png", kind: "cam", blob: digest)
        // Of content that the ledger never gets.
        let picture = PictureRow(
            centre: "north", study: "s1", image: "a.png", kind: "overlay", digest: SHA256Digest(hashing: Data("p".utf8)))
        let bag = BagScoreRow(centre: "north", study: "s1", head: "dsmil", probability: 0.25)
        let image = ImageScoreRow(centre: "north", study: "s1", image: "a.png", head: "student", score: -3.5)
        let status = ItemStatusRow(
            centre: "north", study: "s1", image: "b.png", status: .failed, reason: "truncated", message: "ends\0early")
        let evaluation = EvaluationRow(
            model: nil, dataSet: "test", centre: "all", level: "bag", metric: "auc", value: 0.9, lower: 0.8, count: 12)
        let rows: [ResultRow] = [
            .study(study), .box(box), .mask(mask), .bagScore(bag), .imageScore(image), .itemStatus(status),
            .evaluation(evaluation), .event(EventRow(kind: "note", message: "m")), label("s1"), .picture(picture),
        ]
        #expect(try test.ledger.commit([shard.committed(rows: rows)]) == [.accepted])
        #expect(try test.ledger.studies(job: test.job) == [study])
        #expect(try test.ledger.boxes(job: test.job, stage: "labels") == [box])
        #expect(try test.ledger.masks(job: test.job, stage: "labels") == [mask])
        #expect(try test.ledger.pictures(job: test.job, stage: "labels") == [picture])
        #expect(try test.ledger.bagScores(job: test.job, stage: "labels") == [bag])
        #expect(try test.ledger.imageScores(job: test.job, stage: "labels", head: "student") == [image])
        #expect(try test.ledger.imageScores(job: test.job, stage: "labels", head: "dsmil").isEmpty)
        #expect(try test.ledger.itemStatuses(job: test.job, stage: "labels").map(\.message) == ["ends\u{FFFD}early"])
        #expect(try test.ledger.evaluations(job: test.job).map(\.row) == [evaluation])
        // A reduce that is repeated replaces; another stage's rows are others.
        let again = rows.filter { if case .event = $0 { false } else { true } }
        try test.ledger.writeRows(job: test.job, stage: "labels", again)
        try test.ledger.writeRows(job: test.job, stage: "labels", again)
        #expect(try test.ledger.studies(job: test.job) == [study])
        #expect(try test.ledger.evaluations(job: test.job).count == 1)
        #expect(try test.ledger.pictures(job: test.job, stage: "labels") == [picture])
        try test.ledger.writeRows(job: test.job, stage: "train", [.bagScore(bag)])
        #expect(try test.ledger.bagScores(job: test.job, stage: "train") == [bag])
    }

    @Test func numbersThatAreNoneAreRefused() throws {
        let test = try TestLedger()
        try test.enqueue(1)
        let shard = try test.claim(1)[0]
        for value in [Double.nan, .infinity] {
            let row = ResultRow.imageScore(ImageScoreRow(centre: "n", study: "s", image: "i", head: "h", score: value))
            guard case .invalid? = try test.ledger.commit([shard.committed(rows: [row])]).first else {
                Issue.record("\(value) was accepted")
                continue
            }
        }
    }
}
