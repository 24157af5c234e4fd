import Cluster
import Ledger
import Stages
import Testing

/// What a round wants a person to look at.
@Suite(.serialized) struct RoundWarningTests {
    @Test func warningsStandInTheStagesMessageAndTheJobIsComplete() throws {
        let cluster = try TestCluster([ToyTrainStage(replicas: 2, rounds: 5, warnings: ["samples differ"])])
        try cluster.addWorker("a", slots: 2)
        let job = try cluster.submit(MissingReplicaTests.pipeline)
        #expect(try cluster.waitForEnd(job).state == .complete)
        let stage = try #require(try CoordinatorClient(endpoint: cluster.endpoint).status(job: job).jobs.first?.stages.first)
        #expect(stage.state == .complete)
        #expect(
            stage.message == "round 1: samples differ, round 2: samples differ, round 3: samples differ, "
                + "2 more warnings are in the log")
        #expect(
            try cluster.ledger.eventMessages(job: job, stage: "toy-train", kind: "round.warning")
                == (1...5).map { "round \($0): samples differ" })
    }
}
