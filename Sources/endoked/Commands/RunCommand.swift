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
            One run at a time works in an --out or --state; a second one is told who does. Whatever ends a run, its processes
            and its PostgreSQL end with it. Results that a full disk refused are written later by `endoked results --state DIR`.
            A pipeline need not train: {stage: 'mil-score', weights: 'FILE'} runs a checkpoint or a former run's models/ (so do
            cam, toco-cam and segment; sam runs Segment Anything).
            Built-in pipelines: \(BuiltInPipelines.names.joined(separator: ", ")); `--show-pipeline` prints one to edit.
            """,
        options: [
            .option("archive", "DIR", "the archive: a folder a centre, as README describes it"),
            .option("pipeline", "FILE", "JSON5 file or built-in name; default \(BuiltInPipelines.defaultName)"),
            .option("models", "DIR", "the models/ of a former run's results, for a pipeline that names them, such as inference"),
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
        archivePath = showsPipeline ? nil : try OutputFolder.named(arguments.required("archive"), option: "archive").path
        pipeline =
            showsPipeline && BuiltInPipelines.text(named: pipelineName) != nil
            ? Data()
            : try PipelineOption.canonical(
                pipelineName, seed: arguments.integer("seed", in: 0...Int.max), models: arguments.string("models"))
        out = try OutputFolder.named(arguments.string("out") ?? "out", option: "out")
        state = try arguments.string("state").map { try OutputFolder.named($0, option: "state") } ?? out.appendingPathComponent("state")
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
        try OpenFileLimit.require()
        // Held until all is stopped, which comes first.
        let lock = try RunLock([out, state], work: "endoked run")
        defer { withExtendedLifetime(lock) {} }
        try OutputFolder.prepare(out)
        try OutputFolder.prepare(state)
        if checks { ArchiveCheckText.showSummary(ArchiveCheck.run(centres, depth: .header)) }

        let interrupted = Atomic<Int>(0)
        let signals = SignalWatch(SignalWatch.ending) { count in interrupted.store(count, ordering: .relaxed) }
        defer { signals.cancel() }
        func isInterrupted() -> Bool { interrupted.load(ordering: .relaxed) > 0 }

        let cluster = LocalCluster(
            .init(state: state, database: database, workers: workers, slots: slots, centres: centres))
        defer { cluster.stop() }
        guard let connection = try cluster.startDatabase(isInterrupted: isInterrupted) else {
            Terminal.message("interrupted")
            return .cancelled
        }
        let ledger = Ledger(connectionString: connection)
        try ledger.migrate()
        let outage = Outage(cluster: cluster, isInterrupted: isInterrupted)
        guard let job = try outage.wait({ try findOrSubmit(centres: centres, archivePath: archivePath, ledger: ledger) })
        else { return .cancelled }
        try cluster.startProcesses(database: connection)

        var progress = ProgressDisplay()
        while !isInterrupted() {
            for line in try cluster.reviveDead() { Terminal.message(line) }
            guard let snapshot = try outage.wait({ try ledger.status(job: job) }) else { break }
            progress.show(snapshot)
            if let ended = snapshot.jobs.first(where: { $0.id == job }), ended.state.isFinal {
                let results = JobResults(ledger: ledger, job: job, pictures: [FramePictureFolder(cluster.pictures)])
                do {
                    guard
                        let (text, unwritten) = try outage.wait({
                            let unwritten = try results.write(to: out)
                            return (asJSON ? try results.evaluationsAsJSON() : try results.summary(), unwritten.lines)
                        })
                    else { break }
                    for line in unwritten { Terminal.message(line) }
                    if database == nil { giveSpaceBack(ledger) }
                    Terminal.print(text)
                } catch let error as OutputError {
                    Terminal.message("endoked run: \(error)")
                    Terminal.message("job \(job) is \(ended.state.rawValue) and its results are kept. \(adviceForResults(job))")
                    return .failed
                }
                Terminal.message("job \(job) is \(ended.state.rawValue). Results: \(out.path)")
                if ended.state != .complete, !ended.message.isEmpty { Terminal.message(ended.message) }
                return ExitStatus(of: ended.state)
            }
            usleep(500_000)
        }
        Terminal.message("interrupted; the same command goes on with job \(job)")
        return .cancelled
    }

    private func adviceForResults(_ job: JobID) -> String {
        let source = database == nil ? "--state \(ShellWord.quoted(state.path))" : "--database with the same URL"
        return "Once there is room: endoked results \(source) --job \(job) --out \(ShellWord.quoted(out.path))"
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
