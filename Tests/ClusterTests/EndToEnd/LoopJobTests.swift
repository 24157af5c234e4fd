import Cluster
import Foundation
import Ledger
import PostgreSQL
import Stages
import Synchronization
import Testing

/// Loops over PostgreSQL: generations that are skipped, and coordinators that go in the middle of it.
@Suite(.serialized) struct LoopJobTests {
    static let pipeline = """
        { seed: 3, stages: [ { stage: "source" },
          { repeat: { generations: 4, until: 0.9, steps: [
            { stage: "train", from: { masks: { first: "source", then: "settle" } } }, { stage: "draw" }, { stage: "settle" } ] } },
          { step: "report", stage: "draw", from: { network: "train" } } ] }
        """
    static let names =
        ["source"] + (1...4).flatMap { generation in ["train", "draw", "settle"].map { "\($0)-\(generation)" } } + ["report"]

    /// What each step read, and how often its shard ran.
    final class Seen: Sendable {
        private let sources = Mutex<[String: [String: [String]]]>([:])
        private let counts = Mutex<[String: Int]>([:])
        func planned(_ step: String, _ names: [String: [String]]) { sources.withLock { $0[step] = names } }
        func ran(_ step: String) { counts.withLock { $0[step, default: 0] += 1 } }
        var read: [String: [String: [String]]] { sources.withLock { $0 } }
        var runs: [String: Int] { counts.withLock { $0 } }
    }

    private static func stages(_ seen: Seen, onMap: @escaping @Sendable (String) -> Void = { _ in }) -> [any Stage] {
        let (masks, network) = (Product(.masks, "toy"), Product(.network, "toy"))
        return [
            LoopToy(name: "source", products: [masks], seen: seen, onMap: onMap),
            LoopToy(name: "train", products: [network], reads: [StageNeed(masks)], seen: seen, onMap: onMap),
            LoopToy(name: "draw", products: [masks], reads: [StageNeed(network)], seen: seen, onMap: onMap),
            LoopToy(name: "settle", products: [masks], reads: [StageNeed(masks)], measuresAgreement: true, seen: seen, onMap: onMap),
        ]
    }

    private func expectTheEnd(_ job: Job, _ seen: Seen, _ cluster: TestCluster) throws {
        #expect(job.state == .complete && job.message.isEmpty, "\(job.message)")
        #expect(job.stages.map(\.name) == Self.names)
        let skipped = job.stages.filter { $0.state == .skipped }
        #expect(skipped.map(\.name) == Self.names.filter { $0.hasSuffix("-3") || $0.hasSuffix("-4") })
        #expect(skipped.allSatisfy { $0.message == "generation 2 agrees by 0.95 with what taught it, and the loop runs until 0.9" })
        #expect(job.stages.filter { $0.state == .complete }.count == 8)
        #expect(seen.read["train-1"] == ["masks": ["source"]] && seen.read["train-2"] == ["masks": ["settle-1"]])
        #expect(seen.read["report"] == ["network": ["train-2"]])
        #expect(seen.runs == Dictionary(uniqueKeysWithValues: seen.read.keys.map { ($0, 1) }) && seen.runs.count == 8)
        let rounds = try cluster.ledger.rounds(job: job.id, stage: "settle-2")
        let numbers = try JSONDecoder().decode([String: Double].self, from: try #require(rounds.first).metrics)
        #expect(Agreement(metrics: numbers)?.value == 0.95)
    }

    @Test func skippedGenerationsAreShownAndReadAsTheLastThatRan() throws {
        let seen = Seen()
        let cluster = try TestCluster(Self.stages(seen))
        try cluster.addWorker("a")
        let job = try cluster.submit(Self.pipeline)
        try expectTheEnd(try cluster.waitForEnd(job), seen, cluster)
        let status = try #require(try CoordinatorClient(endpoint: cluster.endpoint).status(job: job).jobs.first)
        #expect(status.stages.first { $0.name == "train-3" }?.state == .skipped && status.rounds.contains { $0.stage == "settle-1" })
        // One process does likewise.
        let alone = Seen()
        let registry = StageRegistry(Self.stages(alone))
        let pipeline = try Pipeline(json5: Data(Self.pipeline.utf8), registry: registry)
        let runner = LocalRunner(registry: registry, centres: [:], seed: pipeline.seed)
        try runner.run(pipeline)
        #expect(alone.read == seen.read && alone.runs == seen.runs)
        let reasons = try #require(try cluster.ledger.job(job)).stages.filter { $0.state == .skipped }
        #expect(runner.store.skipped == Dictionary(uniqueKeysWithValues: reasons.map { ($0.name, $0.message) }))
    }

    /// A coordinator that only knows the ledger takes over in the second generation, and after what decided.
    @Test(arguments: [["train-2"], ["settle-2"], ["report"], ["draw-2", "report"]])
    func aCoordinatorThatTakesOverComesToTheSame(at steps: [String]) throws {
        let seen = Seen()
        let gates = Dictionary(uniqueKeysWithValues: steps.map { ($0, Gate()) })
        let cluster = try TestCluster(Self.stages(seen) { step in gates[step]?.pass() })
        try cluster.addWorker("a")
        let job = try cluster.submit(Self.pipeline)
        for step in steps {
            try cluster.wait("step \(step)") { gates[step]?.arrived == 1 }
            try cluster.replaceCoordinator()
            gates[step]?.open()
        }
        try expectTheEnd(try cluster.waitForEnd(job), seen, cluster)
    }

    /// A crash between two of the steps that are skipped: what is left is decided anew, from the same numbers.
    @Test func whatWasHalfSkippedIsSkippedWhole() throws {
        let seen = Seen()
        let gate = Gate()
        let cluster = try TestCluster(Self.stages(seen) { step in if step == "report" { gate.pass() } })
        try cluster.addWorker("a")
        let job = try cluster.submit(Self.pipeline)
        try cluster.wait("the report") { gate.arrived == 1 }
        #expect(try cluster.ledger.cancelJob(job, message: "a test"))
        gate.open()
        let connection = try Connection(connectionString: cluster.database)
        for step in ["draw-3", "settle-3", "train-4", "draw-4", "settle-4"] {
            try connection.execute(
                "UPDATE stage SET state = 'pending', message = '', started_at = NULL, finished_at = NULL WHERE job = $1 AND name = $2",
                [.int8(job.rawValue), .text(step)])
        }
        try cluster.replaceCoordinator()
        try cluster.ledger.resumeJob(job)
        let end = try cluster.waitForEnd(job)
        #expect(end.state == .complete && end.stages.count { $0.state == .skipped } == 6)
        #expect(seen.read["report"] == ["network": ["train-2"]] && seen.read["draw-3"] == nil)
    }
}

/// A step of a loop that computes nothing.
private struct LoopToy: Stage {
    let name: String
    var products: [Product] = []
    var reads: [StageNeed] = []
    var measuresAgreement = false
    let seen: LoopJobTests.Seen
    let onMap: @Sendable (String) -> Void

    func needs(settings: StageSettings) throws -> [StageNeed] { reads }

    func plan(round: Int, settings: StageSettings, view: any PlanningView) throws -> [ShardPlan] {
        seen.planned(view.step.name, view.sources.steps.mapValues { $0.map(\.name) })
        return [ShardPlan(key: "all", centre: nil, input: Data("{}".utf8))]
    }

    func map(_ shard: ShardInput, context: any MapContext) throws -> ShardOutput {
        seen.ran(shard.step)
        onMap(shard.step)
        return ShardOutput()
    }

    func reduce(round: Int, records: [Stages.ShardRecord], settings: StageSettings, view: any PlanningView) throws -> RoundOutcome {
        let value = ["settle-1": 0.5, "settle-2": 0.95][view.step.name]
        return RoundOutcome(
            metrics: measuresAgreement ? value.flatMap { Agreement(stayed: 1, came: 0, went: 0, diceSum: $0)?.metrics } ?? [:] : [:])
    }
}
