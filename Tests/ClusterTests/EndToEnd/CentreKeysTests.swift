import Archives
import Cluster
import Foundation
import Ledger
import Stages
import Testing
import ZeroMQ

/// Under which secret a worker tells a centre's patients apart.
@Suite struct CentreKeysTests {
    /// A study of one patient, each round of two.
    private struct PatientStage: Stage {
        var name: String { "toy-patient" }

        func plan(round: Int, settings: StageSettings, view: any PlanningView) throws -> [ShardPlan] {
            ["s1", "s2"].map { ShardPlan(key: $0, centre: "north", input: Data("{}".utf8)) }
        }

        func map(_ shard: ShardInput, context: any MapContext) throws -> ShardOutput {
            ShardOutput(rows: [
                .study(
                    .init(
                        centre: "north", study: shard.key,
                        patientKey: try context.centreKey("north").patientKey("Ann", centre: "north"), split: "train",
                        language: nil, images: [], hasReport: true))
            ])
        }
    }

    /// The patient's keys in the ledger after a job on a new worker each, and how often a worker said that it keeps none.
    private func patients(jobs: Int, keys: URL?) throws -> (keys: [String], warnings: Int) {
        let cluster = try TestCluster([PatientStage()])
        var found: [String] = []
        for number in 0..<jobs {
            var configuration = Worker.Configuration(
                name: "w\(number)", endpoint: cluster.endpoint, slots: 2, centres: ["north": cluster.archive])
            configuration.timing = cluster.timing
            configuration.keys = keys
            let worker = try Worker(configuration, stages: cluster.stages, log: cluster.lines.log)
            worker.start()
            let job = try cluster.submit("{ stages: [ { stage: 'toy-patient' } ] }", centres: ["north"])
            #expect(try cluster.waitForEnd(job).state == .complete)
            found += try cluster.ledger.studies(job: job).map(\.patient)
            worker.stop()
            _ = worker.wait()
        }
        return (found, cluster.lines.count("key.not-kept"))
    }

    @Test func aPatientKeepsHisKeyFromShardToShardAndFromJobToJob() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("keys-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        let seen = try patients(jobs: 2, keys: folder)
        #expect(seen.keys.count == 4 && Set(seen.keys).count == 1 && seen.warnings == 0)
    }

    @Test func whereNoKeyCanBeKeptAJobStillHasOneAndItIsSaidOnce() throws {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("keys-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: file) }
        try Data().write(to: file)
        let seen = try patients(jobs: 2, keys: file.appendingPathComponent("below"))
        #expect(seen.keys.count == 4 && Set(seen.keys).count == 2, "one a process")
        #expect(seen.keys[0] == seen.keys[1] && seen.warnings == 2)
    }
}
