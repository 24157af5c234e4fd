import Cluster
import Foundation
import Ledger
import Stages
import Synchronization
import Testing

/// Rounds whose replicas were set aside.
@Suite(.serialized) struct MissingReplicaTests {
    static let pipeline = #"{ seed: 5, stages: [ { stage: "toy-train" } ] }"#

    @Test func aRoundWithoutOneOfItsReplicasIsNotFoldedAndGoesOnOnceItIsGivenBack() throws {
        let isBroken = Mutex(true)
        let stage = ToyTrainStage(replicas: 6) { round, key in
            if round == 1, key == "replica 3", isBroken.withLock({ $0 }) { throw StageError(.numeric, "the loss is not finite") }
        }
        let cluster = try TestCluster([stage])
        try cluster.addWorker("a", slots: 3)
        let job = try cluster.submit(Self.pipeline)
        let failed = try cluster.waitForEnd(job)
        #expect(failed.state == .failed)
        #expect(failed.message.contains("replica 3") && failed.message.contains("last on a"))
        #expect(failed.message.contains("the loss is not finite") && failed.message.contains("endoked requeue \(job)"))
        #expect(try cluster.ledger.rounds(job: job, stage: "toy-train").filter { $0.finishedAt != nil }.count == 1)
        isBroken.withLock { $0 = false }
        let client = try CoordinatorClient(endpoint: cluster.endpoint)
        #expect(try client.status(job: job).jobs.first?.quarantined.map(\.key) == ["replica 3"])
        #expect(try client.requeue(job: job) == 1)
        #expect(try cluster.waitForEnd(job).state == .complete)
        #expect(try cluster.ledger.finalModel(job: job, stage: "toy-train")?.digest == OutageTests.undisturbed.get())
    }

    @Test func whereThePolicyAllowsItTheJobIsPartialAndSaysSo() throws {
        let stage = ToyTrainStage(replicas: 3, missing: .allow) { round, key in
            if round == 1, key == "replica 2" { throw StageError(.numeric, "the loss is not finite") }
        }
        let cluster = try TestCluster([stage])
        try cluster.addWorker("a", slots: 3)
        let job = try cluster.submit(Self.pipeline)
        let ended = try cluster.waitForEnd(job)
        #expect(ended.state == .partial)
        #expect(ended.message.contains("round 2 from 2 of 3"))
        // Its rounds are folded: there is nothing to give back to.
        #expect(try CoordinatorClient(endpoint: cluster.endpoint).requeue(job: job) == 0)
    }

    @Test func theStudiesOfAShardThatWasSetAsideAreListed() throws {
        let broken = BrokenInference()
        let cluster = try TestCluster([broken])
        try cluster.addWorker("a")
        let job = try cluster.submit(#"{ stages: [ { stage: "toy-infer" } ] }"#, centres: ["north"])
        #expect(try cluster.waitForEnd(job).state == .partial)
        let items = try cluster.ledger.itemStatuses(job: job, stage: "toy-infer")
        #expect(items.map(\.study) == ["s2", "s3"])
        #expect(items.allSatisfy { $0.reason == "shard-set-aside" && $0.status == .failed && $0.centre == "north" })
        #expect(items.allSatisfy { $0.message.contains("numeric") && $0.message.contains("worker a") })
    }

    /// Two shards of two studies; the second fails.
    struct BrokenInference: Stage {
        var name: String { "toy-infer" }

        func plan(round: Int, settings: StageSettings, view: any PlanningView) throws -> [ShardPlan] {
            (0..<2).map { number in
                ShardPlan(
                    key: "north/\(number)", centre: "north",
                    input: Data(#"{"bags":[{"study":"s\#(number * 2)"},{"study":"s\#(number * 2 + 1)"}]}"#.utf8))
            }
        }

        func map(_ shard: ShardInput, context: any MapContext) throws -> ShardOutput {
            if shard.key == "north/1" { throw StageError(.numeric, "not finite") }
            return ShardOutput()
        }
    }
}
