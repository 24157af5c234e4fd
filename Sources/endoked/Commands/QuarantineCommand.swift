import Cluster
import Foundation
import Ledger
import ZeroMQ

/// Where the commands about jobs ask: a running coordinator, or the database itself.
struct ClusterSource {
    static let options: [CommandSpec.OptionSpec] = [
        .option("connect", "ENDPOINT", "a coordinator: tcp://host:port or ipc://path; default tcp://127.0.0.1:5570"),
        .option("database", "URL", "PostgreSQL, as libpq takes it, instead of a coordinator"),
        .flag("allow-plaintext", "connect to another host without encryption: only on a network that you trust"),
    ]

    private enum Place {
        case coordinator(Endpoint, allowsPlaintext: Bool)
        case database(String)
    }

    private let place: Place

    init(_ arguments: ParsedArguments) throws {
        if let database = arguments.string("database") {
            guard arguments.string("connect") == nil else { throw UsageError("give --connect or --database, not both") }
            place = .database(database)
        } else {
            place = .coordinator(
                try EndpointOption.parse(arguments.string("connect") ?? "tcp://127.0.0.1:5570"),
                allowsPlaintext: arguments.has("allow-plaintext"))
        }
    }

    func status(job: JobID?) throws -> StatusSnapshot {
        switch place {
        case .database(let database): try Ledger(connectionString: database).status(job: job)
        case .coordinator(let endpoint, let allows):
            try CoordinatorClient(endpoint: endpoint, allowPlaintext: allows).status(job: job)
        }
    }

    func requeue(job: JobID, stage: String?) throws -> Int {
        switch place {
        case .database(let database): try Ledger(connectionString: database).requeueQuarantined(job: job, stage: stage)
        case .coordinator(let endpoint, let allows):
            try CoordinatorClient(endpoint: endpoint, allowPlaintext: allows).requeue(job: job, stage: stage)
        }
    }
}

/// `endoked quarantine`: shards that failed too often, with worker and reason.
struct QuarantineCommand: Command {
    static let spec = CommandSpec(
        name: "quarantine", summary: "list the shards that were set aside, with worker and reason",
        discussion: "`endoked requeue JOB` gives them another chance once what was wrong is mended.",
        options: ClusterSource.options + [
            .option("job", "N", "of this job; default: of those that run, and the last that ended"),
            .flag("json", "as JSON"),
        ])

    private let source: ClusterSource
    private let job: JobID?
    private let asJSON: Bool

    init(_ arguments: ParsedArguments) throws {
        source = try ClusterSource(arguments)
        job = try arguments.integer("job", in: 1...Int.max).map { JobID(Int64($0)) }
        asJSON = arguments.has("json")
    }

    private struct Line: Encodable {
        var job: JobID
        var shard: QuarantinedShard
    }

    func run() throws -> ExitStatus {
        let jobs = try source.status(job: job).jobs
        if let job, jobs.isEmpty { throw ConfigurationError("there is no job \(job)") }
        let lines = jobs.flatMap { job in job.quarantined.map { Line(job: job.id, shard: $0) } }
        if asJSON {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .prettyPrinted]
            Terminal.print(String(decoding: try encoder.encode(lines), as: UTF8.self))
        } else if lines.isEmpty {
            Terminal.print("no shard is set aside")
        } else {
            let rows = lines.map { line in
                [
                    "\(line.job)", line.shard.stage, "\(line.shard.round + 1)", line.shard.key, line.shard.centre,
                    line.shard.worker, line.shard.code, line.shard.error,
                ]
            }
            Terminal.print(
                Terminal.table([["job", "stage", "round", "shard", "centre", "worker", "code", "reason"]] + rows))
        }
        return .complete
    }
}

/// `endoked requeue`: another chance for shards that were set aside.
struct RequeueCommand: Command {
    static let spec = CommandSpec(
        name: "requeue", summary: "give a job's shards that were set aside another chance",
        discussion: """
            Their failures are forgotten, and they are handed out again. A job that failed goes on where it stopped. Shards of
            rounds that are folded already stay as they are.
            """,
        arguments: [.init(name: "JOB", help: "the job's number, as `endoked status` shows it")],
        options: ClusterSource.options + [.option("stage", "NAME", "only those of this stage")])

    private let source: ClusterSource
    private let job: JobID
    private let stage: String?

    init(_ arguments: ParsedArguments) throws {
        source = try ClusterSource(arguments)
        guard let number = Int64(arguments.arguments[0]), number > 0 else {
            throw UsageError("JOB must be a number, not '\(arguments.arguments[0])'")
        }
        job = JobID(number)
        stage = arguments.string("stage")
    }

    func run() throws -> ExitStatus {
        let count = try source.requeue(job: job, stage: stage)
        if count > 0 {
            Terminal.print("\(count) shards of job \(job) are queued again")
            return .complete
        }
        guard let known = try source.status(job: job).jobs.first else { throw ConfigurationError("there is no job \(job)") }
        let left = known.quarantined.filter { stage == nil || $0.stage == stage }.count
        Terminal.print(
            left == 0
                ? "no shard of job \(job) is set aside"
                : "nothing to do: job \(job) is \(known.state.rawValue), and the rounds of its \(left) shards that are set aside are "
                    + "folded; submit it again to have them done")
        return .complete
    }
}
