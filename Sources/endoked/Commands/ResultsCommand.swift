import Archives
import Foundation
import Ledger
import PostgreSQL

/// `endoked results`: a job's results out of the database, at any time.
struct ResultsCommand: Command {
    static let spec = CommandSpec(
        name: "results", summary: "write a job's results from the database into a folder",
        discussion: """
            Tables (studies, report labels, bag and image scores, boxes, items that failed, rounds, evaluations),
            heat maps, masks and overlays, and the final parameters. Prints the evaluations.
            Overlays show patients' frames and stay with their centres: on a centre's host, --pictures names the folder of
            its worker, and they are copied from there.
            With --state, what `endoked run` left in its --out or --state is read: its private PostgreSQL is started for it, and
            stopped again; while that run lives, its own is asked.
            """,
        options: [
            .option("database", "URL", "PostgreSQL, as libpq takes it"),
            .option("state", "DIR", "instead of --database: the --out or --state folder of an `endoked run`"),
            .option("job", "N", "the job; default: the latest"),
            .option("out", "DIR", "the folder; without it only the table is printed"),
            .option("pictures", "DIR", "where a worker on this host keeps overlays", repeats: true),
            .flag("features", "with --out: also what encoders said of each study's images, a .safetensors file a study"),
            .flag("json", "print the evaluations as JSON"),
        ])

    private enum Source {
        case database(String)
        case state(URL)
    }

    private let source: Source
    private let job: Int64?
    private let out: URL?
    private let pictures: [FramePictureFolder]
    private let withFeatures: Bool
    private let asJSON: Bool

    init(_ arguments: ParsedArguments) throws {
        if let state = arguments.string("state") {
            guard arguments.string("database") == nil else { throw UsageError("give --database or --state, not both") }
            source = .state(try OutputFolder.named(state, option: "state"))
        } else {
            source = .database(try DatabaseOption.value(arguments))
        }
        job = try arguments.integer("job", in: 1...Int.max).map(Int64.init)
        out = try arguments.string("out").map { try OutputFolder.named($0, option: "out") }
        pictures = try arguments.strings("pictures").map { FramePictureFolder(try ArchiveOption.existingFolder($0)) }
        withFeatures = arguments.has("features")
        guard !withFeatures || out != nil else { throw UsageError("--features needs --out") }
        asJSON = arguments.has("json")
    }

    func run() throws -> ExitStatus {
        switch source {
        case .database(let database): return try write(from: Ledger(connectionString: database))
        case .state(let folder): return try write(fromState: folder)
        }
    }

    private func write(fromState folder: URL) throws -> ExitStatus {
        let candidates = [folder, folder.appendingPathComponent("state")]
        guard let state = candidates.first(where: { PrivateServer.exists(inStateFolder: $0) }) else {
            throw ConfigurationError(
                "\(folder.path) holds no database of an `endoked run`: name the --out or the --state of one (a run with --database has none)"
            )
        }
        try OpenFileLimit.require()
        let lock: RunLock
        do { lock = try RunLock([state], work: "endoked results") } catch {
            // Of a run that lives, the database is asked and left alone.
            let server = try PrivateServer(stateFolder: state)
            guard RunLock.isHeld(state), server.isReady else { throw error }
            return try write(from: Ledger(connectionString: try server.connectionString))
        }
        defer { withExtendedLifetime(lock) {} }
        let database = try LocalDatabase(state: state)
        defer { database.stop() }
        guard let connection = try database.start() else { return .cancelled }
        let ledger = Ledger(connectionString: connection)
        defer { ledger.close() }
        try ledger.migrate()
        return try write(from: ledger)
    }

    private func write(from ledger: Ledger) throws -> ExitStatus {
        let found = try job.map { try ledger.job(JobID($0)) } ?? ledger.jobs(limit: 1).first
        guard let found else { throw ConfigurationError("the database knows no such job") }
        let results = JobResults(ledger: ledger, job: found.id, pictures: pictures, withFeatures: withFeatures)
        var status = ExitStatus.complete
        if let out {
            try OutputFolder.prepare(out)
            let unwritten = try results.write(to: out)
            for line in unwritten.lines { Terminal.message(line) }
            if !unwritten.refused.isEmpty { status = .partial }
            Terminal.message("results of job \(found.id): \(out.path)")
        }
        Terminal.print(asJSON ? try results.evaluationsAsJSON() : try results.summary())
        return status
    }
}
