import Cluster
import Digest
import Foundation
import Ledger
import PostgreSQL
import Stages
import Synchronization
import Testing

/// What is not a job's own fault holds it up and does not end it.
@Suite(.serialized) struct SurroundingsTests {
    private static let pipeline = OutageTests.training

    private func isUndisturbed(_ cluster: TestCluster, _ job: JobID) throws -> Bool {
        try cluster.ledger.finalModel(job: job, stage: "toy-train")?.digest == OutageTests.undisturbed.get()
    }

    /// Statements on `table` are refused as PostgreSQL does it when its disk is full, until the trigger is dropped.
    private func refuse(_ table: String, _ cluster: TestCluster, state: String = "53100", on event: String = "INSERT") throws {
        try Connection(connectionString: cluster.database).executeScript(
            """
            CREATE FUNCTION refuse_\(table)() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '\(state)'; END $$;
            CREATE TRIGGER refusing BEFORE \(event) ON \(table) FOR EACH ROW EXECUTE FUNCTION refuse_\(table)();
            """)
    }

    private func mend(_ table: String, _ cluster: TestCluster) throws {
        try Connection(connectionString: cluster.database).executeScript("DROP TRIGGER refusing ON \(table)")
    }

    /// Planning, uploading, committing and folding, in turn, find the disk full.
    @Test(arguments: ["shard_input", "round", "blob_chunk", "shard_result", "contribution"])
    func aFullDiskIsWaitedOut(table: String) throws {
        let cluster = try TestCluster([ToyTrainStage(replicas: 6)])
        try refuse(table, cluster)
        try cluster.addWorker("a", slots: 2)
        let job = try cluster.submit(Self.pipeline)
        let client = try CoordinatorClient(endpoint: cluster.endpoint)
        try cluster.wait("word of it in status") {
            try client.status(job: job).waits?.contains { $0.reason.contains("No space left") } == true
        }
        if table != "blob_chunk" {
            // The same in the database, for those who ask it.
            try cluster.wait("a note of it") {
                try cluster.ledger.job(job)?.message.hasPrefix("waiting: ") == true
            }
        }
        #expect(try cluster.ledger.job(job)?.state == .running)
        try mend(table, cluster)
        let ended = try cluster.waitForEnd(job)
        #expect(ended.state == .complete && ended.message.isEmpty, "\(ended.message)")
        #expect(try isUndisturbed(cluster, job))
        #expect(try cluster.ledger.counts(job: job, stage: "toy-train").losses == 0)
        #expect(cluster.lines.count("coordinator.term-ended") == 0)
    }

    @Test func aLeaderThatCannotRenewGoesOnWaiting() throws {
        let cluster = try TestCluster([ToyTrainStage(replicas: 6, pause: .milliseconds(100))])
        try cluster.addWorker("a")
        let job = try cluster.submit(Self.pipeline)
        try cluster.wait("some progress") { try cluster.ledger.counts(job: job, stage: "toy-train").done > 1 }
        try refuse("leader", cluster, state: "58030", on: "UPDATE")
        try cluster.wait("word of it") { cluster.lines.count("leadership.waits") > 0 }
        try mend("leader", cluster)
        #expect(try cluster.waitForEnd(job).state == .complete)
        #expect(try isUndisturbed(cluster, job))
        #expect(cluster.lines.count("coordinator.term-ended") == 0)
    }

    @Test func cancellingEverySessionInTurnIsAPauseAtMost() throws {
        let cluster = try TestCluster([ToyTrainStage(replicas: 6, pause: .milliseconds(60))])
        try cluster.addWorker("a", slots: 1)
        try cluster.addWorker("b", slots: 1)
        let job = try cluster.submit(Self.pipeline)
        let stop = Mutex(false)
        let database = cluster.database
        let ended = DispatchSemaphore(value: 0)
        let cancelled = Mutex(0)
        Thread.detachNewThread {
            defer { ended.signal() }
            guard let connection = try? Connection(connectionString: database) else { return }
            while !stop.withLock({ $0 }) {
                let rows = try? connection.execute(
                    """
                    SELECT count(pg_cancel_backend(pid)) FROM (
                        SELECT pid FROM pg_stat_activity
                        WHERE datname = current_database() AND pid <> pg_backend_pid() AND state <> 'idle'
                            AND application_name LIKE 'endoked %' ORDER BY random() LIMIT 1) AS one
                    """)
                let count = (try? rows?.first?.int64(0)) ?? 0
                cancelled.withLock { $0 += Int(count) }
                // One that was hit gets the time that the same takes again on a busy machine.
                usleep(count > 0 ? 150_000 : 1_000)
            }
        }
        defer {
            stop.withLock { $0 = true }
            ended.wait()
        }
        #expect(try cluster.waitForEnd(job, atMost: .seconds(60)).state == .complete)
        #expect(try isUndisturbed(cluster, job))
        #expect(try cluster.ledger.counts(job: job, stage: "toy-train").taskErrors == 0)
        #expect(cancelled.withLock { $0 } > 0, "nothing was cancelled")
        #expect(cluster.lines.count("coordinator.term-ended") == 0)
    }

    @Test func aFileThatCannotBeOpenedForNowHoldsThePlanUp() throws {
        let isMended = Mutex(false)
        let cluster = try TestCluster([
            DisturbedStage(
                stage: ToyTrainStage(replicas: 6),
                onPlan: { _ in
                    if !isMended.withLock({ $0 }) { throw StageError(.machine, "weights.pth cannot be opened") }
                })
        ])
        try cluster.addWorker("a")
        let job = try cluster.submit(Self.pipeline)
        try cluster.wait("a note of it") {
            try cluster.ledger.job(job)?.message.hasPrefix("waiting: weights.pth cannot be opened, since ") == true
        }
        isMended.withLock { $0 = true }
        let ended = try cluster.waitForEnd(job)
        #expect(ended.state == .complete && ended.message.isEmpty)
        #expect(try isUndisturbed(cluster, job))
    }

    @Test func aJobOfItsOwnFaultEndsAndCanBeTakenUpAgain() throws {
        let isMended = Mutex(false)
        let runs = Mutex<[String: Int]>([:])
        let stage = DisturbedStage(
            stage: ToyTrainStage(replicas: 6),
            onMap: { shard in
                runs.withLock { $0["\(shard.round) \(shard.key)", default: 0] += 1 }
                if shard.round == 1, !isMended.withLock({ $0 }) { throw StageError(.parameters, "they do not fit") }
            })
        let cluster = try TestCluster([stage])
        try cluster.addWorker("a")
        let job = try cluster.submit(Self.pipeline)
        let failed = try cluster.waitForEnd(job)
        #expect(failed.state == .failed && failed.message.contains("they do not fit"))
        #expect(runs.withLock { $0.values.allSatisfy { $0 == 1 } }, "what would fail again is not tried again")
        isMended.withLock { $0 = true }
        let client = try CoordinatorClient(endpoint: cluster.endpoint)
        try client.resume(job: job)
        #expect(throws: ClusterError.self) { try client.resume(job: JobID(4711)) }
        #expect(try cluster.waitForEnd(job).state == .complete)
        #expect(try isUndisturbed(cluster, job))
        #expect(runs.withLock { $0["0 replica 0"] == 1 && $0["1 replica 0"] == 2 }, "round 0 was not done again")
        #expect(throws: ClusterError.self, "it is complete") { try client.resume(job: job) }
    }

    @Test func anImageThatIsDamagedIsSaidInEveryRoundAndSinksNone() throws {
        let item = Stages.ResultRow.item(
            .init(centre: "north", study: "s", image: "7.jpg", status: "failed", reason: "truncated", message: "ends early"))
        let cluster = try TestCluster([DisturbedStage(stage: ToyTrainStage(replicas: 6), rows: [item])])
        try cluster.addWorker("a")
        let job = try cluster.submit(Self.pipeline)
        let ended = try cluster.waitForEnd(job)
        #expect(ended.state == .partial && ended.message.contains("1 images or studies"), "\(ended.message)")
        #expect(try isUndisturbed(cluster, job))
        #expect(try cluster.ledger.itemStatuses(job: job, stage: "toy-train").count == 1)
    }

    @Test func aJobThatIsOverLeavesOnlyWhatItMade() throws {
        let cluster = try TestCluster([ToyTrainStage(replicas: 6)])
        try cluster.addWorker("a")
        let job = try cluster.submit(Self.pipeline)
        #expect(try cluster.waitForEnd(job).state == .complete)
        let model = try #require(try cluster.ledger.finalModel(job: job, stage: "toy-train"))
        let left = try Connection(connectionString: cluster.database).execute("SELECT digest FROM blob")
            .map { SHA256Digest(bytes: try $0.bytes(0)) }
        #expect(left == [model.digest])
    }
}

/// A stage that fails, or says more, where a test wants it to.
private struct DisturbedStage: Stage {
    var stage: ToyTrainStage
    var onPlan: @Sendable (Int) throws -> Void = { _ in }
    var onMap: @Sendable (ShardInput) throws -> Void = { _ in }
    var rows: [Stages.ResultRow] = []

    init(
        stage: ToyTrainStage, rows: [Stages.ResultRow] = [], onMap: @escaping @Sendable (ShardInput) throws -> Void = { _ in },
        onPlan: @escaping @Sendable (Int) throws -> Void = { _ in }
    ) {
        (self.stage, self.rows, self.onMap, self.onPlan) = (stage, rows, onMap, onPlan)
    }

    var name: String { stage.name }
    func roundCount(settings: StageSettings) throws -> Int { try stage.roundCount(settings: settings) }

    func plan(round: Int, settings: StageSettings, view: any PlanningView) throws -> [ShardPlan] {
        try onPlan(round)
        return try stage.plan(round: round, settings: settings, view: view)
    }

    func map(_ shard: ShardInput, context: any MapContext) throws -> ShardOutput {
        try onMap(shard)
        var output = try stage.map(shard, context: context)
        output.rows += rows
        return output
    }

    func reduce(
        round: Int, records: [Stages.ShardRecord], settings: StageSettings, view: any PlanningView
    ) throws -> RoundOutcome {
        try stage.reduce(round: round, records: records, settings: settings, view: view)
    }
}
