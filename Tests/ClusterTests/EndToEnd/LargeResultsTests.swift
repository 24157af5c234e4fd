import Cluster
import Digest
import Foundation
import Ledger
import PostgreSQL
import Stages
import Testing
import Wire

/// Shards and results at the wire's limits, and beyond.
@Suite(.serialized) struct LargeResultsTests {
    /// What each shard does is its key.
    private struct LargeStage: Stage {
        var name: String { "toy-large" }
        var keys: [String]

        static let rows = 4000
        static let message = String(repeating: "m", count: 5000)

        func plan(round: Int, settings: StageSettings, view: any PlanningView) throws -> [ShardPlan] {
            keys.map { key in
                let input = key == "input" ? "\"\(String(repeating: "i", count: 13 << 20))\"" : "{}"
                return ShardPlan(key: key == "name" ? String(repeating: "n", count: 2000) : key, centre: "north", input: Data(input.utf8))
            }
        }

        func map(_ shard: ShardInput, context: any MapContext) throws -> ShardOutput {
            switch shard.key {
            case "rows":
                return ShardOutput(
                    rows: (0..<Self.rows).map { number in
                        .item(
                            .init(
                                centre: "north", study: "s\(number)", image: nil, status: "skipped", reason: "toy",
                                message: Self.message))
                    }, record: Data("{\"rows\":4000}".utf8), blobs: [Data("content".utf8)])
            case "contents":
                return ShardOutput(blobs: (0..<65_537).map { Data("\($0)".utf8) })
            default:
                return ShardOutput(rows: [.bagScore(.init(centre: "north", study: shard.key, head: "toy", probability: 0.5))])
            }
        }
    }

    private static let pipeline = "{ stages: [ { stage: 'toy-large' } ] }"

    @Test func rowsBeyondAHeaderTravelAsContents() throws {
        let cluster = try TestCluster([LargeStage(keys: ["a", "rows", "b"])])
        try cluster.addWorker("w")
        let job = try cluster.submit(Self.pipeline, centres: ["north"])
        let ended = try cluster.waitForEnd(job, atMost: .seconds(90))
        #expect(ended.state == .complete, "\(ended.message)")
        let items = try cluster.ledger.itemStatuses(job: job, stage: "toy-large")
        #expect(items.count == LargeStage.rows && items.allSatisfy { $0.message.hasPrefix("mmmm") })
        #expect(try cluster.ledger.bagScores(job: job, stage: "toy-large").map(\.study) == ["a", "b"])
        // A reduce sees the stage's own contents alone.
        let record = try #require(
            try cluster.ledger.shardRecords(job: job, stage: "toy-large", round: 0).first { $0.key == "rows" })
        #expect(record.record == Data("{\"rows\":4000}".utf8))
        let counters = cluster.coordinator.counters()
        #expect(counters.malformedMessages == 0 && counters.invalidResults == 0 && counters.acceptedResults == 3)
        // They were only a way: nothing names them any more.
        let connection = try Connection(connectionString: cluster.database)
        #expect(try connection.execute("SELECT digest FROM blob").count == 0)
    }

    @Test func whatNoMessageHoldsFailsAloneAndAtOnce() throws {
        let cluster = try TestCluster([LargeStage(keys: ["a", "input", "contents", "b", "name", "c"])])
        try cluster.addWorker("w", slots: 4)
        let job = try cluster.submit(Self.pipeline, centres: ["north"])
        let ended = try cluster.waitForEnd(job, atMost: .seconds(90))
        #expect(ended.state == .partial, "\(ended.message)")
        let quarantined = try cluster.ledger.quarantined(job: job)
        #expect(
            Dictionary(uniqueKeysWithValues: quarantined.map { (String($0.key.prefix(8)), $0.code) }) == [
                "input": "shard-too-large", "nnnnnnnn": "shard-too-large", "contents": "too-many-contents",
            ])
        #expect(try cluster.ledger.bagScores(job: job, stage: "toy-large").map(\.study) == ["a", "b", "c"])
        let counts = try cluster.ledger.counts(job: job, stage: "toy-large")
        #expect(counts.taskErrors == 3 && counts.losses == 0, "each was tried once")
        #expect(cluster.coordinator.counters().malformedMessages == 0)
    }

    @Test func rowsWhoseContentIsNotRowsAreRefused() throws {
        let cluster = try TestCluster([LargeStage(keys: ["a"])])
        let job = try cluster.submit(Self.pipeline, centres: ["north"])
        let peer = try RawPeer("liar", endpoint: cluster.endpoint)
        try peer.join(stages: ["toy-large"])
        let shard = try peer.take(1, limit: 1)[0]
        let bytes = Data("canary".utf8)
        let blob = ShardResult.Blob(digest: Data(SHA256Digest(hashing: bytes).bytes), size: UInt64(bytes.count))
        try peer.send(.results([ShardResult(lease: shard.lease, rows: Data(), rowContents: [blob], record: Data("{}".utf8))]))
        let piece = try peer.receive { if case .fetch(let pieces) = $0 { pieces.first } else { nil } }
        try peer.send(.content(ContentBytes(digest: piece.digest, offset: 0, total: UInt64(bytes.count), bytes: bytes)))
        let ack = try peer.ack(of: shard.lease)
        #expect(ack.outcome == .invalid && !ack.reason.contains("canary"))
        try cluster.addWorker("honest")
        #expect(try cluster.waitForEnd(job).state == .complete)
    }
}
