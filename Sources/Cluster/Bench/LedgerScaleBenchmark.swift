import Foundation
import Ledger
import Stages
import ZeroMQ

/// One centre with very many images, planned, listed, scored (by a stage that makes its scores up) and evaluated by the real
/// `evaluate`: what the coordinator needs for it.
public enum LedgerScaleBenchmark {
    public struct Outcome: Sendable {
        public var studies: Int
        public var images: Int
        /// Each step's seconds, in order.
        public var steps: [(name: String, seconds: Double)]
        /// Shards of `evaluate`.
        public var evaluationShards: Int
        /// The student's area over all images.
        public var area: Double
    }

    public static let imagesPerStudy = 10

    static func registry(studies: Int) -> StageRegistry {
        StageRegistry([
            MadeUpCatalogueStage(studies: studies, images: imagesPerStudy), MadeUpScoresStage(), EvaluateStage(),
        ])
    }

    /// Writes the made-up centre's truth.
    public static func writeArchive(to folder: URL, studies: Int) throws {
        try MadeUpArchive.write(to: folder, studies: studies, images: imagesPerStudy)
    }

    /// The worker's side, in a process of its own; returns when it was told to end.
    public static func work(endpoint: Endpoint, folder: URL, studies: Int) throws {
        let worker = try Worker(
            Worker.Configuration(name: "bench", endpoint: endpoint, slots: 2, centres: [MadeUpArchive.centre: folder]),
            stages: registry(studies: studies), log: .silent)
        worker.start()
        _ = worker.wait()
    }

    /// - Parameters:
    ///   - database: one that nothing else uses meanwhile.
    ///   - startWorker: starts the process that calls `work`.
    public static func run(
        database: String, studies: Int, timeout: Duration, startWorker: (Endpoint) throws -> Void
    ) throws -> Outcome {
        let registry = registry(studies: studies)
        let coordinator = try Coordinator(
            Coordinator.Configuration(database: database, endpoints: [try Endpoint("tcp://127.0.0.1:*")]), stages: registry,
            log: .silent)
        coordinator.start()
        defer {
            coordinator.stop()
            _ = coordinator.wait()
        }
        try startWorker(try coordinator.waitUntilListening(timeout: .seconds(30))[0])
        let ledger = Ledger(connectionString: database, applicationName: "endoked bench")
        defer { ledger.close() }
        let steps = ["catalogue", "mil-score", "evaluate"]
        let job = try JobSubmission.submit(
            pipeline: Data("{stages: [\(steps.map { "{stage: '\($0)'}" }.joined(separator: ", "))]}".utf8), archive: "made up",
            centres: [MadeUpArchive.centre], registry: registry, ledger: ledger)
        let deadline = ContinuousClock.now + timeout
        var last = ContinuousClock.now
        var times: [(name: String, seconds: Double)] = []
        for step in steps {
            while try !ledger.rounds(job: job, stage: step).contains(where: { $0.finishedAt != nil }) {
                guard ContinuousClock.now < deadline else { throw ClusterError(.timeout, "\(step) did not end in time") }
                if let failed = try ledger.job(job)?.stages.first(where: { $0.state == .failed }) {
                    throw ClusterError(.configuration, "the step \(failed.name) failed: \(failed.message)")
                }
                Thread.sleep(forTimeInterval: 0.2)
            }
            times.append((step, (ContinuousClock.now - last).inSeconds))
            last = .now
        }
        let rows = try ledger.evaluations(job: job).map(\.row)
        guard
            let area = rows.first(where: { $0.level == "image" && $0.head == "student" && $0.metric == "auc" && $0.centre == "all" }),
            let value = area.value, Int(area.count) == studies * imagesPerStudy
        else { throw ClusterError(.configuration, "the evaluation did not measure all images") }
        return Outcome(
            studies: studies, images: studies * imagesPerStudy, steps: times,
            evaluationShards: Int(try ledger.counts(job: job, stage: "evaluate").done), area: value)
    }
}
