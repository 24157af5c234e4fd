import Cluster
import Ledger
import ZeroMQ

/// `endoked resume`: takes up a job that failed or was cancelled.
struct ResumeCommand: Command {
    static let spec = CommandSpec(
        name: "resume", summary: "take up a job that failed or was cancelled, where it stood",
        discussion: """
            What was committed stays. The job runs again from the stage and round that did not come to their end; shards of
            that round that were set aside get another chance. Mend first what ended it: `endoked status` says what that was.
            With --database a coordinator need not run; the job goes on when one does.
            """,
        arguments: [.init(name: "JOB", help: "the job's number, as `endoked status` shows it")],
        options: [
            .option("connect", "ENDPOINT", "the coordinator: tcp://host:port or ipc://path"),
            .option("database", "URL", "PostgreSQL, as libpq takes it, instead of a coordinator"),
            .flag("allow-plaintext", "connect to another host without encryption: only on a network that you trust"),
        ])

    private enum Way {
        case coordinator(Endpoint, allowsPlaintext: Bool)
        case database(String)
    }

    private let job: JobID
    private let way: Way

    init(_ arguments: ParsedArguments) throws {
        guard let number = Int64(arguments.arguments[0]), number > 0 else {
            throw UsageError("JOB must be a number, not '\(arguments.arguments[0])'")
        }
        job = JobID(number)
        switch (arguments.string("connect"), arguments.string("database")) {
        case (let endpoint?, nil):
            way = .coordinator(try EndpointOption.parse(endpoint), allowsPlaintext: arguments.has("allow-plaintext"))
        case (nil, let database?): way = .database(database)
        default: throw UsageError("give --connect or --database, one of them")
        }
    }

    func run() throws -> ExitStatus {
        switch way {
        case .coordinator(let endpoint, let allowsPlaintext):
            try CoordinatorClient(endpoint: endpoint, allowPlaintext: allowsPlaintext).resume(job: job)
        case .database(let database): try Ledger(connectionString: database).resumeJob(job)
        }
        Terminal.print("job \(job) is taken up again")
        return .complete
    }
}
