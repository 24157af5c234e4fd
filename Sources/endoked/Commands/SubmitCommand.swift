import Archives
import Cluster
import Foundation
import Ledger
import Stages
import ZeroMQ

/// `endoked submit`: gives a job to a running coordinator.
struct SubmitCommand: Command {
    static let spec = CommandSpec(
        name: "submit", summary: "give a job to a running coordinator",
        discussion: """
            The pipeline is a JSON5 file, or the name of a built-in one (\(BuiltInPipelines.names.joined(separator: ", "))).
            Which centres: those named with --centre, those found in --archive, or else all that the connected workers
            serve. Images and reports stay where they are; the job names centres only. Prints the job's number.
            """,
        options: [
            .option("connect", "ENDPOINT", "the coordinator: tcp://host:port or ipc://path"),
            .option("pipeline", "FILE", "JSON5 file or built-in name; default \(BuiltInPipelines.defaultName)"),
            .option("archive", "DIR", "take the centres found in this folder"),
            .option("centre", "NAME", "a centre of the job", repeats: true),
            .option("models", "DIR", "the models/ of a former run's results on the coordinator's host, for a pipeline that names them"),
            .option("seed", "N", "overrides the pipeline's seed"),
            .flag("wait", "stay until the job has ended, with progress; the exit code is the job's"),
            .flag("allow-plaintext", "connect to another host without encryption: only on a network that you trust"),
        ])

    private let endpoint: Endpoint
    private let pipeline: Data
    private let archive: String
    private let centres: [String]
    private let waits: Bool
    private let allowsPlaintext: Bool

    init(_ arguments: ParsedArguments) throws {
        endpoint = try EndpointOption.connecting(arguments.required("connect"))
        pipeline = try PipelineOption.canonical(
            arguments.string("pipeline") ?? BuiltInPipelines.defaultName,
            seed: arguments.integer("seed", in: 0...Int.max), models: arguments.string("models"))
        let found = try arguments.string("archive").map { try ArchiveOption.open($0).map(\.name) } ?? []
        centres = Array(Set(arguments.strings("centre") + found)).sorted()
        archive =
            arguments.string("archive").map { URL(fileURLWithPath: $0).lastPathComponent }
            ?? centres.joined(separator: ",")
        waits = arguments.has("wait")
        allowsPlaintext = arguments.has("allow-plaintext")
    }

    func run() throws -> ExitStatus {
        let client = try CoordinatorClient(endpoint: endpoint, allowPlaintext: allowsPlaintext)
        let job = try client.submit(pipeline: pipeline, archive: archive, centres: centres)
        Terminal.print("job \(job)")
        guard waits else { return .complete }
        var progress = ProgressDisplay()
        while true {
            let status = try client.status(job: job)
            progress.show(status)
            if let ended = status.jobs.first(where: { $0.id == job }), ended.state.isFinal {
                return ExitStatus(of: ended.state)
            }
            Thread.sleep(forTimeInterval: 1)
        }
    }
}

/// `endoked cancel`: ends a job on request.
struct CancelCommand: Command {
    static let spec = CommandSpec(
        name: "cancel", summary: "end a job; what it has committed stays",
        arguments: [.init(name: "JOB", help: "the job's number, as `endoked status` shows it")],
        options: [
            .option("connect", "ENDPOINT", "the coordinator: tcp://host:port or ipc://path"),
            .option("reason", "TEXT", "kept with the job; default 'on request'"),
            .flag("allow-plaintext", "connect to another host without encryption: only on a network that you trust"),
        ])

    private let endpoint: Endpoint
    private let job: Int64
    private let reason: String
    private let allowsPlaintext: Bool

    init(_ arguments: ParsedArguments) throws {
        endpoint = try EndpointOption.connecting(arguments.required("connect"))
        guard let number = Int64(arguments.arguments[0]), number > 0 else {
            throw UsageError("JOB must be a number, not '\(arguments.arguments[0])'")
        }
        job = number
        reason = arguments.string("reason") ?? "on request"
        allowsPlaintext = arguments.has("allow-plaintext")
    }

    func run() throws -> ExitStatus {
        let client = try CoordinatorClient(endpoint: endpoint, allowPlaintext: allowsPlaintext)
        try client.cancel(job: .init(job), reason: reason)
        Terminal.print("job \(job) is cancelled")
        return .complete
    }
}
