import Cluster
import Digest
import Foundation
import Ledger
import Stages
import Synchronization
import Testing
import ZeroMQ

/// Real PostgreSQL, real sockets, threads for workers.
@Suite(.serialized) struct WholePathTests {
    @Test func aJobGoesFromSubmissionToCompletion() throws {
        let cluster = try TestCluster([ToyScoreStage(), ToyTrainStage()])
        try cluster.addWorker("a")
        try cluster.addWorker("b", slots: 1)
        let job = try cluster.submit(#"{ seed: 5, stages: [ { stage: "toy-score" }, { stage: "toy-train" } ] }"#)
        let ended = try cluster.waitForEnd(job)
        #expect(ended.state == .complete, "\(ended.message)")
        let scores = try cluster.ledger.bagScores(job: job, stage: "toy-score")
        #expect(scores.count == 24)
        #expect(scores.allSatisfy { $0.probability == ToyScoreStage.score($0.centre, $0.study) })
        // Contents of several pieces came whole.
        for mask in try cluster.ledger.masks(job: job, stage: "toy-score") {
            #expect(try cluster.ledger.blob(mask.blob) == ToyScoreStage.heatMap(of: "\(mask.centre)/\(mask.study)"))
        }
        #expect(try cluster.ledger.boxes(job: job, stage: "toy-score").allSatisfy { !$0.kept && $0.reason == "no-foreground" })
        let rounds = try cluster.ledger.rounds(job: job, stage: "toy-train")
        #expect(rounds.map(\.round) == [0, 1, 2])
        #expect(rounds.allSatisfy { $0.finishedAt != nil && $0.expected == 4 && $0.received == 4 })
        let counters = cluster.coordinator.counters()
        #expect(counters.acceptedResults == 24 + 12)
        #expect(counters.staleResults == 0 && counters.duplicateResults == 0 && counters.malformedMessages == 0)
        let status = try CoordinatorClient(endpoint: cluster.endpoint).status()
        #expect(status.jobs.first?.state == .complete)
        #expect(status.workers.map(\.name) == ["a", "b"])
    }

    /// The job's final parameters, with `workers` workers.
    private func train(workers: Int) throws -> SHA256Digest {
        let cluster = try TestCluster([ToyTrainStage(pause: .zero)])
        for index in 0..<workers { try cluster.addWorker("w\(index)", slots: 1) }
        let job = try cluster.submit(#"{ seed: 5, stages: [ { stage: "toy-train" } ] }"#)
        #expect(try cluster.waitForEnd(job).state == .complete)
        return try #require(try cluster.ledger.finalModel(job: job, stage: "toy-train")).digest
    }

    @Test func theResultDoesNotDependOnTheNumberOfWorkers() throws {
        #expect(try train(workers: 1) == train(workers: 3))
    }

    @Test func aShardGoesOnlyToAWorkerThatReadsItsCentre() throws {
        let cluster = try TestCluster([ToyScoreStage(studies: 3)])
        let north = try cluster.addWorker("north-only", centres: ["north"])
        let job = try cluster.submit(#"{ stages: [ { stage: "toy-score" } ] }"#)
        try cluster.wait("north's shards") { try cluster.ledger.counts(job: job, stage: "toy-score").done == 3 }
        Thread.sleep(forTimeInterval: 0.3)
        let counts = try cluster.ledger.counts(job: job, stage: "toy-score")
        #expect(counts.done == 3 && counts.queued == 3)
        #expect(north.counters().finished == 3)
        try cluster.addWorker("south-only", centres: ["south"])
        #expect(try cluster.waitForEnd(job).state == .complete)
    }

    @Test func aShardThatAlwaysFailsIsSetAsideAndTheJobGoesOn() throws {
        let stage = ToyScoreStage(studies: 3) { study in
            if study == "s2" { throw StageError(.archive, "study s2: the image is not there") }
        }
        let cluster = try TestCluster([stage])
        try cluster.addWorker("a")
        let job = try cluster.submit(#"{ stages: [ { stage: "toy-score" } ] }"#)
        let ended = try cluster.waitForEnd(job)
        #expect(ended.state == .partial)
        #expect(ended.message.contains("2 of 6 shards"))
        let quarantined = try cluster.ledger.quarantined(job: job)
        #expect(quarantined.map(\.key).sorted() == ["north/s2", "south/s2"])
        #expect(quarantined.allSatisfy { $0.error.contains("the image is not there") && $0.code == "archive" })
        let metrics = try #require(try cluster.ledger.rounds(job: job, stage: "toy-score").first?.metrics)
        #expect(try JSONDecoder().decode([String: Double].self, from: metrics) == ["records": 6, "done": 4])
    }

    @Test func whenNothingCanBeDoneTheJobFailsAndSaysWhy() throws {
        let stage = ToyScoreStage(studies: 2) { _ in throw StageError(.numeric, "the loss is not finite") }
        let cluster = try TestCluster([stage])
        try cluster.addWorker("a")
        let job = try cluster.submit(#"{ stages: [ { stage: "toy-score" } ] }"#)
        let ended = try cluster.waitForEnd(job)
        #expect(ended.state == .failed)
        #expect(ended.message.contains("the loss is not finite"))
    }

    /// An error of which nobody knows what it quotes: only its kind goes on its way.
    @Test func anErrorThatNobodyKnowsIsNotQuoted() throws {
        struct Surprise: Error, CustomStringConvertible { var description: String { "a report says: canary" } }
        let cluster = try TestCluster([ToyScoreStage(studies: 1) { _ in throw Surprise() }])
        try cluster.addWorker("a")
        let job = try cluster.submit(#"{ stages: [ { stage: "toy-score" } ] }"#)
        let ended = try cluster.waitForEnd(job)
        #expect(ended.state == .failed)
        let errors = try cluster.ledger.quarantined(job: job).map(\.error) + [ended.message] + cluster.lines.all
        #expect(errors.contains { $0.contains("Surprise") })
        #expect(!errors.contains { $0.contains("canary") })
    }

    @Test func anUnknownStageIsRefusedAtSubmission() throws {
        let cluster = try TestCluster([ToyScoreStage()])
        let error = try #require(throws: ClusterError.self) { try cluster.submit(#"{ stages: [ { stage: "mil" } ] }"#) }
        #expect(error.code == .refused)
        #expect(error.message.contains("toy-score"))
    }

    @Test func aCancelledJobStopsItsShards() throws {
        let cluster = try TestCluster([ToyScoreStage(studies: 20, pause: .seconds(30))])
        let worker = try cluster.addWorker("a")
        let job = try cluster.submit(#"{ stages: [ { stage: "toy-score" } ] }"#)
        try cluster.wait("shards at work") { try cluster.ledger.counts(job: job, stage: "toy-score").leased >= 2 }
        try CoordinatorClient(endpoint: cluster.endpoint).cancel(job: job, reason: "typing error")
        #expect(try cluster.waitForEnd(job).state == .cancelled)
        // The next heartbeat tells the worker; it does not go on for half a minute.
        try cluster.wait("the slots to be free", atMost: .seconds(5)) { worker.counters().stopped >= 2 }
    }

    @Test func submittingTwiceWithOneKeyMakesOneJob() throws {
        let cluster = try TestCluster([ToyScoreStage(studies: 1)])
        let client = try CoordinatorClient(endpoint: cluster.endpoint)
        let pipeline = Data(#"{ stages: [ { stage: "toy-score" } ] }"#.utf8)
        let first = try client.submit(pipeline: pipeline, archive: "a", centres: ["north"], idempotencyKey: "k")
        #expect(try client.submit(pipeline: pipeline, archive: "a", centres: ["north"], idempotencyKey: "k") == first)
        #expect(try client.submit(pipeline: pipeline, archive: "a", centres: ["north"], idempotencyKey: "l") != first)
    }
}
