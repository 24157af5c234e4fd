import Foundation
import Ledger
import PostgreSQL
import Testing

/// `endoked prune` and `endoked resume` on a database that no coordinator serves.
@Suite struct PruneTests {
    @Test func oldJobsGoAndAFailedOneIsTakenUp() throws {
        let folder = try TemporaryFolder.make()
        defer { try? FileManager.default.removeItem(at: folder) }
        let server = try PrivateServer(stateFolder: folder)
        let database = try server.start()
        defer { try? server.stop() }
        let ledger = Ledger(connectionString: database)
        try ledger.migrate()
        _ = try ledger.acquireLeadership(holder: "test", timeToLive: .seconds(60), grace: .zero)
        let old = try ledger.createJob(pipeline: Data("{}".utf8), seed: 1, archive: "old", steps: [NewStep("labels")])
        try ledger.enqueue(job: old, stage: "labels", round: 0, shards: [NewShard(key: "a", centre: "", input: Data("{}".utf8))])
        try ledger.setJobState(old, .complete, message: "")
        let failed = try ledger.createJob(pipeline: Data("{}".utf8), seed: 1, archive: "new", steps: [NewStep("labels")])
        try ledger.setJobState(failed, .failed, message: "x")
        try ledger.putBlob(Data(count: 3_000_000))

        let resumed = try EndokedProcess.run("resume", "\(failed)", "--database", database)
        #expect(resumed.status == 0 && resumed.output.contains("job \(failed) is taken up again"), "\(resumed.errors)")
        #expect(try EndokedProcess.run("resume", "\(failed)", "--database", database).status == 5, "it runs")
        #expect(try EndokedProcess.run("resume", "\(failed)").status == 2)
        let running = try EndokedProcess.run("prune", "--database", database, "--job", "\(failed)")
        #expect(running.status == 5 && running.errors.contains("cancel it first"), "\(running.errors)")
        _ = try ledger.cancelJob(failed, message: "enough")

        let trial = try EndokedProcess.run("prune", "--database", database, "--job", "\(old)", "--dry-run")
        #expect(trial.output.contains("would remove jobs: 1, contents: 1 of 3 MB"), "\(trial.output)\(trial.errors)")
        let pruned = try EndokedProcess.run("prune", "--database", database, "--older-than", "0", "--models", "--full")
        #expect(pruned.status == 0 && pruned.output.contains("removed jobs: 2, contents: 1 of 3 MB"), "\(pruned.output)")
        #expect(try ledger.jobs().isEmpty)
    }
}
