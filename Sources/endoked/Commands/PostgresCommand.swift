import Cluster
import Foundation
import PostgreSQL
import Synchronization

/// `endoked postgres`: what `endoked run` starts to watch over its private PostgreSQL.
struct PostgresCommand: Command {
    static let spec = CommandSpec(
        name: "postgres", summary: "watch over the private PostgreSQL of a run (started by `endoked run`)",
        discussion: """
            Runs the PostgreSQL of a state folder, starts it again when it dies, and stops it on SIGTERM, or within seconds
            when the process that it is told to watch is gone.
            """,
        options: [.option("state", "DIR", "the state folder of a run")] + ProcessOptions.options)

    private let state: URL
    private let process: ProcessOptions

    init(_ arguments: ParsedArguments) throws {
        state = URL(fileURLWithPath: try arguments.required("state")).standardizedFileURL
        process = try ProcessOptions(arguments)
    }

    func run() throws -> ExitStatus {
        let isAsked = Atomic<Bool>(false)
        let signals = SignalWatch([SIGTERM]) { _ in isAsked.store(true, ordering: .relaxed) }
        // A terminal's signals are for the run, which stops its workers first.
        signal(SIGINT, SIG_IGN)
        signal(SIGHUP, SIG_IGN)
        let log = process.log
        // On this thread, the first one, which lives as long as the process.
        try PrivateServer(stateFolder: state).serve(
            until: {
                if isAsked.load(ordering: .relaxed) { return .ordered }
                return process.isParentGone ? .orphaned : nil
            },
            report: { event in
                switch event {
                case .ready(let number): log(.info, "postgres.ready", ["process": number])
                case .died(let reason, let pause):
                    log(.warning, "postgres.died", ["reason": reason, "starts-again-in-s": pause])
                }
            })
        signals.cancel()
        return .complete
    }
}
