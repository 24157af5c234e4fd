import Archives
import Foundation
import Ledger

/// `endoked results`: a job's results out of the database, at any time.
struct ResultsCommand: Command {
    static let spec = CommandSpec(
        name: "results", summary: "write a job's results from the database into a folder",
        discussion: """
            Tables (studies, report labels, bag and image scores, boxes, items that failed, rounds, evaluations),
            heat maps, masks and overlays, and the final parameters. Prints the evaluations.
            Overlays show patients' frames and stay with their centres: on a centre's host, --pictures names the folder of
            its worker, and they are copied from there.
            """,
        options: [
            .option("database", "URL", "PostgreSQL, as libpq takes it"),
            .option("job", "N", "the job; default: the latest"),
            .option("out", "DIR", "the folder; without it only the table is printed"),
            .option("pictures", "DIR", "where a worker on this host keeps overlays", repeats: true),
            .flag("json", "print the evaluations as JSON"),
        ])

    private let database: String
    private let job: Int64?
    private let out: URL?
    private let pictures: [FramePictureFolder]
    private let asJSON: Bool

    init(_ arguments: ParsedArguments) throws {
        database = try DatabaseOption.value(arguments)
        job = try arguments.integer("job", in: 1...Int.max).map(Int64.init)
        out = arguments.string("out").map { URL(fileURLWithPath: $0).standardizedFileURL }
        pictures = try arguments.strings("pictures").map { FramePictureFolder(try ArchiveOption.existingFolder($0)) }
        asJSON = arguments.has("json")
    }

    func run() throws -> ExitStatus {
        let ledger = Ledger(connectionString: database)
        let found = try job.map { try ledger.job(JobID($0)) } ?? ledger.jobs(limit: 1).first
        guard let found else { throw ConfigurationError("the database knows no such job") }
        let results = JobResults(ledger: ledger, job: found.id, pictures: pictures)
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
