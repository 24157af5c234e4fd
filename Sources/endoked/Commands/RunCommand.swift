import Archives
import Cluster
import Foundation
import Ledger
import Stages
import Synchronization

/// `endoked run`: the whole job on one machine.
struct RunCommand: Command {
    static let spec = CommandSpec(
        name: "run", summary: "the whole job on this machine: PostgreSQL, coordinator, workers, results",
        discussion: """
            Checks the archive, starts a private PostgreSQL (or uses --database), a coordinator and workers, runs the
            pipeline to its end and writes the results to --out. Interrupted, by Ctrl-C or a crash, the same command
            goes on where it stopped: nothing that was committed is done again. A run that has ended is made anew.
            A pipeline need not train: {stage: 'mil-score', weights: 'FILE'} runs a checkpoint or a former run's models/ (so do
            cam, toco-cam and segment; sam runs Segment Anything).
            Built-in pipelines: \(BuiltInPipelines.names.joined(separator: ", ")); `--show-pipeline` prints one to edit.
            """,
        options: [
            .option("archive", "DIR", "the archive: a folder a centre, as README describes it"),
            .option("pipeline", "FILE", "JSON5 file or built-in name; default \(BuiltInPipelines.defaultName)"),
            .option("out", "DIR", "results; default ./out"),
            .option("state", "DIR", "database, logs, overlays as workers keep them, keys; default state within --out"),
            .option("database", "URL", "use this PostgreSQL instead of a private one"),
            .option("workers", "N", "worker processes; default 2"),
            .option("slots", "N", "slots a worker; default: cores divided by workers"),
            .option("seed", "N", "overrides the pipeline's seed"),
            .flag("resume", "take up the last such job that failed or was cancelled, instead of making a new one"),
            .flag("skip-check", "do not look at every image before the start"),
            .flag("show-pipeline", "print the pipeline and end"),
            .flag("json", "print the results as JSON"),
        ])

    private let pipelineName: String
    private let pipeline: Data
    private let archivePath: String?
    private let out: URL
    private let state: URL
    private let database: String?
    private let workers: Int
    private let slots: Int
    private let resumes: Bool
    private let checks: Bool
    private let showsPipeline: Bool
    private let asJSON: Bool

    init(_ arguments: ParsedArguments) throws {
        pipelineName = arguments.string("pipeline") ?? BuiltInPipelines.defaultName
        showsPipeline = arguments.has("show-pipeline")
        archivePath = showsPipeline ? nil : try arguments.required("archive")
        pipeline = try PipelineOption.canonical(pipelineName, seed: arguments.integer("seed", in: 0...Int.max))
        out = URL(fileURLWithPath: arguments.string("out") ?? "out").standardizedFileURL
        state = arguments.string("state").map { URL(fileURLWithPath: $0).standardizedFileURL }
            ?? out.appendingPathComponent("state")
        database = arguments.string("database")
        workers = try arguments.integer("workers", in: 1...256) ?? 2
        let cores = ProcessInfo.processInfo.activeProcessorCount
        slots = try arguments.integer("slots", in: 1...256) ?? max(1, cores / workers)
        resumes = arguments.has("resume")
        checks = !arguments.has("skip-check")
        asJSON = arguments.has("json")
    }

    func run() throws -> ExitStatus {
        guard let archivePath else {
            Terminal.print(BuiltInPipelines.text(named: pipelineName) ?? String(decoding: pipeline, as: UTF8.self))
            return .complete
        }
        try PipelineOption.requireArithmetic(pipeline, named: pipelineName)
        let centres = try ArchiveOption.open(archivePath)
        try OutputFolder.prepare(out)
        try OutputFolder.prepare(state)
        if checks { ArchiveCheckText.showSummary(ArchiveCheck.run(centres, depth: .header)) }

        let interrupted = Atomic<Int>(0)
        let signals = SignalWatch([SIGINT, SIGTERM]) { count in interrupted.store(count, ordering: .relaxed) }
        defer { signals.cancel() }

        let cluster = LocalCluster(
            .init(state: state, database: database, workers: workers, slots: slots, centres: centres))
        defer { cluster.stop() }
        let connection = try cluster.startDatabase()
        let ledger = Ledger(connectionString: connection)
        try ledger.migrate()
        let job = try findOrSubmit(centres: centres, archivePath: archivePath, ledger: ledger)
        try cluster.startProcesses(database: connection)

        var progress = ProgressDisplay()
        while true {
            if interrupted.load(ordering: .relaxed) > 0 {
                Terminal.message("interrupted; the same command goes on with job \(job)")
                return .cancelled
            }
            for line in try cluster.reviveDead() { Terminal.message(line) }
            let snapshot = try ledger.persist(for: .seconds(120)) { try $0.status(job: job) }
            progress.show(snapshot)
            if let ended = snapshot.jobs.first(where: { $0.id == job }), ended.state.isFinal {
                let results = JobResults(ledger: ledger, job: job, pictures: [FramePictureFolder(cluster.pictures)])
                for line in try results.write(to: out).lines { Terminal.message(line) }
                if database == nil { giveSpaceBack(ledger) }
                Terminal.print(asJSON ? try results.evaluationsAsJSON() : try results.summary())
                Terminal.message("job \(job) is \(ended.state.rawValue). Results: \(out.path)")
                if ended.state != .complete, !ended.message.isEmpty { Terminal.message(ended.message) }
                return ExitStatus(of: ended.state)
            }
            usleep(500_000)
        }
    }

    /// Most of what a job wrote into its private database served training and is gone by now.
    private func giveSpaceBack(_ ledger: Ledger) {
        do { try ledger.compact() } catch {
            Terminal.message("the database keeps the space that the job no longer needs: \(error)")
        }
    }

    /// The unfinished job of the same pipeline over the same archive in this state folder, or a new one.
    private func findOrSubmit(centres: [CentreArchive], archivePath: String, ledger: Ledger) throws -> JobID {
        let archive = URL(fileURLWithPath: archivePath).standardizedFileURL.path
        let wanted = try JSONDecoder().decode(JSONValue.self, from: pipeline)
        let ended = resumes ? try ledger.jobs().filter { [.failed, .cancelled].contains($0.state) } : []
        for job in try ledger.activeJobs() + ended where job.archive == archive {
            guard let description = try? JobDescription(stored: job.pipeline), description.pipeline == wanted,
                description.centres.sorted() == centres.map(\.name).sorted()
            else { continue }
            Terminal.message("going on with job \(job.id), which was \(job.state.isFinal ? "\(job.state.rawValue)" : "interrupted")")
            if job.state.isFinal { try ledger.resumeJob(job.id) }
            return job.id
        }
        return try JobSubmission.submit(
            pipeline: pipeline, archive: archive, centres: centres.map(\.name), registry: .standard, ledger: ledger)
    }
}
