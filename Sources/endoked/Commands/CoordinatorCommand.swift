import Cluster
import Foundation
import Stages
import ZeroMQ

/// `endoked coordinator`: leads the cluster, or stands by until it may.
struct CoordinatorCommand: Command {
    static let spec = CommandSpec(
        name: "coordinator", summary: "lead a cluster: hand shards to workers, keep the ledger",
        discussion: """
            All state is in the database: a coordinator that dies is replaced by starting another, here or elsewhere.
            Two may run at once; one leads, the other stands by. SIGTERM ends it; workers keep their results meanwhile.
            The password of the database belongs in ~/.pgpass or PGPASSWORD, not on the command line.
            """,
        options: [
            .option("database", "URL", "PostgreSQL, as libpq takes it: postgresql://user@host/name"),
            .option(
                "listen", "ENDPOINT", "tcp://host:port, * for every address, or ipc://path; default tcp://127.0.0.1:5570", repeats: true),
            .flag("allow-plaintext", "listen to other hosts without encryption: only on a network that you trust"),
            .option("name", "NAME", "how this coordinator is called in `status`; default host and process"),
            .option("life", "TOKEN", "tells it from others of its name; default: drawn by lot (set by `endoked run`)"),
        ] + TimingOptions.options + ProcessOptions.options)

    private let configuration: Coordinator.Configuration
    private let process: ProcessOptions

    init(_ arguments: ParsedArguments) throws {
        let listen = arguments.strings("listen")
        var configuration = Coordinator.Configuration(
            database: try DatabaseOption.value(arguments),
            endpoints: try (listen.isEmpty ? ["tcp://127.0.0.1:5570"] : listen).map(EndpointOption.listening))
        configuration.allowPlaintext = arguments.has("allow-plaintext")
        configuration.timing = try TimingOptions.timing(arguments)
        if let name = arguments.string("name") { configuration.name = name }
        if let life = arguments.string("life") { configuration.life = life }
        self.configuration = configuration
        process = try ProcessOptions(arguments)
    }

    func run() throws -> ExitStatus {
        try OpenFileLimit.require()
        let coordinator = try Coordinator(configuration, stages: .standard, log: process.log)
        let signals = SignalWatch(SignalWatch.ending) { _ in coordinator.stop() }
        process.watchParent { coordinator.stop() }
        coordinator.start()
        let error = coordinator.wait()
        signals.cancel()
        if let error { throw error }
        return .complete
    }
}
