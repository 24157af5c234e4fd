import Cluster
import Foundation
import Ledger
import Stages
import Testing

@Suite(.serialized) struct FairHandsTests {
    /// Two equal workers, quick shards first: what those have earned must not be spent on the slow ones behind them.
    @Test func slowShardsAfterQuickOnesSplitEvenly() throws {
        let cluster = try TestCluster([
            ToyScoreStage(studies: 150), ToyTrainStage(replicas: 8, rounds: 3, pause: .milliseconds(400)),
        ])
        try cluster.addWorker("a", slots: 1)
        try cluster.addWorker("b", slots: 1)
        try cluster.wait("both") { try cluster.ledger.workers().filter { $0.state == .active }.count == 2 }
        let job = try cluster.submit(#"{ stages: [ { stage: "toy-score" }, { stage: "toy-train" } ] }"#)
        #expect(try cluster.waitForEnd(job, atMost: .seconds(120)).state == .complete)
        for round in 0..<3 {
            let records = try cluster.ledger.shardRecords(job: job, stage: "toy-train", round: Int32(round))
            let mine = records.count { $0.worker == "a" }
            #expect((3...5).contains(mine), "round \(round): \(mine) of 8 at one of two equal workers")
        }
    }

    @Test func sixShardsOnTwoWorkersOfFourSlotsAreThreeEach() throws {
        let cluster = try TestCluster([ToyTrainStage(replicas: 6, rounds: 2, pause: .milliseconds(300))])
        try cluster.addWorker("a", slots: 4)
        try cluster.addWorker("b", slots: 4)
        try cluster.wait("both") { try cluster.ledger.workers().filter { $0.state == .active }.count == 2 }
        let job = try cluster.submit(#"{ stages: [ { stage: "toy-train" } ] }"#)
        #expect(try cluster.waitForEnd(job).state == .complete)
        for round in 0..<2 {
            let records = try cluster.ledger.shardRecords(job: job, stage: "toy-train", round: Int32(round))
            #expect((2...4).contains(records.count { $0.worker == "a" }), "round \(round)")
        }
    }
}
