import Foundation
import Ledger

/// `endoked prune`: old jobs and contents out of the database.
struct PruneCommand: Command {
    static let spec = CommandSpec(
        name: "prune", summary: "remove old jobs and contents from the database",
        discussion: """
            Takes jobs that have ended: those named with --job, and those that ended longer ago than --older-than. Their
            shards, scores, boxes, masks and pictures go; the final models, rounds and evaluations stay, unless --models is
            given. What no job names any more goes in any case. Write what you need with `endoked results` first: there is
            no way back, and a pruned job cannot be taken up again.

            Space becomes free for the next job. --full gives it back to the disk, which needs as much room as what remains,
            and keeps everybody waiting meanwhile.
            """,
        options: [
            .option("database", "URL", "PostgreSQL, as libpq takes it"),
            .option("job", "N", "this job", repeats: true),
            .option("older-than", "DAYS", "all jobs that ended so many days ago, or longer"),
            .flag("models", "with the final models: nothing of the jobs is left"),
            .flag("full", "give the space back to the disk"),
            .flag("dry-run", "only say what would be removed"),
            .flag("json", "as JSON"),
        ])

    private let database: String
    private let selection: PruneSelection
    private let isFull: Bool
    private let isTrial: Bool
    private let asJSON: Bool

    init(_ arguments: ParsedArguments) throws {
        database = try DatabaseOption.value(arguments)
        let jobs = try arguments.strings("job").map { text in
            guard let number = Int64(text), number > 0 else { throw UsageError("--job must be a number, not '\(text)'") }
            return JobID(number)
        }
        let days = try arguments.integer("older-than", in: 0...36_500)
        selection = PruneSelection(
            jobs: jobs, endedBefore: days.map { .seconds($0 * 86_400) }, takesModels: arguments.has("models"))
        isFull = arguments.has("full")
        isTrial = arguments.has("dry-run")
        asJSON = arguments.has("json")
    }

    func run() throws -> ExitStatus {
        let ledger = Ledger(connectionString: database)
        var report = try ledger.prune(selection, isTrial: isTrial)
        if !isTrial { report.databaseBytesAfter = try ledger.vacuum(isFull: isFull) }
        if asJSON {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .prettyPrinted]
            Terminal.print(String(decoding: try encoder.encode(report), as: UTF8.self))
            return .complete
        }
        for job in report.jobs {
            Terminal.print("job \(job.id)  \(job.archive)  \(job.state.rawValue): \(job.shards) shards")
        }
        Terminal.print(
            "\(isTrial ? "would remove" : "removed") jobs: \(report.jobs.count), contents: \(report.contents) "
                + "of \(Self.size(report.contentBytes))")
        if !isTrial {
            Terminal.print(
                "the database takes \(Self.size(report.databaseBytesAfter)), before \(Self.size(report.databaseBytesBefore))"
                    + (isFull ? "" : "; what was freed serves the next job, --full gives it back to the disk"))
        }
        return .complete
    }

    private static func size(_ bytes: Int64) -> String {
        bytes < 1_000_000
            ? "\(bytes / 1000) kB"
            : bytes < 1_000_000_000
                ? "\(bytes / 1_000_000) MB" : Terminal.number(Double(bytes) / 1e9, digits: 1) + " GB"
    }
}
