import Cluster
import Foundation
import ZeroMQ

/// `endoked bench million`: one centre with very many images through the ledger, the coordinator and `evaluate`.
struct BenchMillionCommand: Command {
    static let spec = CommandSpec(
        name: "bench million", summary: "one centre of very many images, listed, scored and evaluated; the coordinator's peak memory",
        discussion: """
            Images and scores are made up; everything else is real: a worker in a process of its own, ZeroMQ, PostgreSQL (a private \
            one), planning, rows, and the evaluation with its resamples.
            """,
        options: [
            .option("images", "N", "default 1000000; ten a study"),
            .option("worker", "ENDPOINT", "be the worker of such a benchmark, which starts it itself"),
            .option("folder", "DIR", "the worker's archive"),
        ])

    private let images: Int
    private let worker: (endpoint: Endpoint, folder: URL)?

    init(_ arguments: ParsedArguments) throws {
        images = try arguments.integer("images", in: 100...100_000_000) ?? 1_000_000
        if let endpoint = arguments.string("worker"), let folder = arguments.string("folder") {
            worker = (try Endpoint(endpoint), URL(fileURLWithPath: folder))
        } else {
            worker = nil
        }
    }

    private var studies: Int { images / LedgerScaleBenchmark.imagesPerStudy }

    func run() throws -> ExitStatus {
        if let worker {
            try LedgerScaleBenchmark.work(endpoint: worker.endpoint, folder: worker.folder, studies: studies)
            return .complete
        }
        let state = FileManager.default.temporaryDirectory.appendingPathComponent("endoked-million-\(getpid())")
        let server = try LocalDatabase(state: state)
        defer {
            server.stop()
            try? FileManager.default.removeItem(at: state)
        }
        guard let database = try server.start() else { return .cancelled }
        let folder = state.appendingPathComponent("archive")
        try LedgerScaleBenchmark.writeArchive(to: folder, studies: studies)
        let process = Process()
        defer { if process.isRunning { process.terminate() } }
        let outcome = try LedgerScaleBenchmark.run(database: database, studies: studies, timeout: .seconds(3600)) { endpoint in
            process.executableURL = URL(fileURLWithPath: ChildProcess.ownProgram)
            process.arguments = [
                "bench", "million", "--images", "\(images)", "--worker", "\(endpoint)", "--folder", folder.path,
            ]
            try process.run()
        }
        for step in outcome.steps { Terminal.print("\(step.name): \(Terminal.number(step.seconds, digits: 1)) s") }
        Terminal.print(
            """
            \(outcome.images) images of \(outcome.studies) studies of one centre; \(outcome.evaluationShards) shards of evaluate; \
            area of the made-up scores \(Terminal.number(outcome.area, digits: 3))
            coordinator's peak memory: \(PeakMemory.inMebibytes) MiB
            """)
        return .complete
    }
}
