import Archives
import Cluster
import Foundation
import NeuralNetwork
import Stages
import ZeroMQ

/// `endoked worker`: computes shards beside the data.
struct WorkerCommand: Command {
    static let spec = CommandSpec(
        name: "worker", summary: "compute shards for a coordinator, next to the images",
        discussion: """
            A worker gets shards only of the centres that it is given with --centre. A slot computes one shard at a time
            on one thread; as many slots as cores is right for most work. It waits for a coordinator that is away and
            keeps its results until they are acknowledged. A centre whose folder is not there yet is said and waited for; the
            folder of --archive, which names the centres, must be there. SIGTERM drains: no new shard, running ones get
            --drain-seconds to finish, the rest go back at once. A second signal stops at once.
            Overlays show patients' frames: they stay in --pictures, where `endoked results --pictures` on this host
            finds them. They go to the coordinator's database only if a stage says `pictures: "central"` and the worker
            has --allow-pictures. In the database patients are keyed hashes; --keys holds each centre's secret.
            """,
        options: [
            .option("connect", "ENDPOINT", "the coordinator: tcp://host:port or ipc://path"),
            .option("centre", "NAME=DIR", "a centre and its archive folder on this host", repeats: true),
            .option("archive", "DIR", "all centres of an archive folder, as `endoked archive check` lists them"),
            .option("slots", "N", "shards at a time; default: one a core"),
            .option("name", "NAME", "unique in the cluster; default: host and process"),
            .option("drain-seconds", "S", "how long running shards may take after SIGTERM; default 60"),
            .option("pictures", "DIR", "keep overlays here; without it none are made (a folder a cluster)"),
            .flag("allow-pictures", "let overlays, which show frames, go to the database when a stage asks for it"),
            .option("keys", "DIR", "the centres' secrets; default \(KeysOption.words)"),
            .option("cache", "MIB", "memory for parameters and other content; default 1024"),
            .flag("allow-plaintext", "connect to another host without encryption: only on a network that you trust"),
        ] + TimingOptions.options + ProcessOptions.options)

    private let configuration: Worker.Configuration
    private let process: ProcessOptions

    init(_ arguments: ParsedArguments) throws {
        var centres: [String: URL] = [:]
        for pair in arguments.strings("centre") {
            let (name, folder) = try ArchiveOption.centre(pair)
            centres[name] = try ArchiveOption.expectedFolder(folder)
        }
        if let archive = arguments.string("archive") {
            for centre in try ArchiveOption.open(archive) { centres[centre.name] = centre.directory }
        }
        let slots = try arguments.integer("slots", in: 1...1024) ?? Foundation.ProcessInfo.processInfo.activeProcessorCount
        var configuration = Worker.Configuration(
            name: arguments.string("name") ?? HostName.withProcess,
            endpoint: try EndpointOption.connecting(arguments.required("connect")), slots: slots, centres: centres)
        configuration.numericSetup = NumericSetup.current
        configuration.program = "endoked " + Program.version
        configuration.allowPlaintext = arguments.has("allow-plaintext")
        configuration.timing = try TimingOptions.timing(arguments)
        configuration.pictures = arguments.string("pictures").map { URL(fileURLWithPath: $0).standardizedFileURL }
        configuration.allowsPicturesToLeave = arguments.has("allow-pictures")
        configuration.keys = KeysOption.folder(arguments)
        if let seconds = try arguments.seconds("drain-seconds") { configuration.drainDeadline = .seconds(seconds) }
        if let size = try arguments.integer("cache", in: 16...1_048_576) {
            configuration.contentCacheSizeInBytes = size << 20
        }
        self.configuration = configuration
        process = try ProcessOptions(arguments)
    }

    func run() throws -> ExitStatus {
        try OpenFileLimit.require()
        let worker = try Worker(configuration, stages: .standard, log: process.log)
        let signals = SignalWatch(SignalWatch.ending) { count in
            if count == 1 { worker.drain() } else { worker.stop() }
        }
        process.watchParent { worker.stop() }
        sayWhatIsAbsent()
        worker.start()
        let error = worker.wait()
        signals.cancel()
        if let error {
            if error.code == .stuckSlot { try restart(because: error) }
            throw error
        }
        return .complete
    }

    /// On the terminal wherever the log goes: a path that was mistyped would be waited for without end.
    private func sayWhatIsAbsent() {
        for (centre, folder) in configuration.centres.sorted(by: { $0.key < $1.key }) where Worker.Configuration.isAwaited(folder) {
            Terminal.message(
                "endoked worker: centre \(centre): there is no folder \(folder.path) (mistyped, or not mounted yet?): waiting for "
                    + "it; no shard of \(centre) is taken until it is there")
        }
    }

    /// Puts the same program with the same arguments in this process's place: nothing else frees a slot that does not
    /// return, and whoever started the worker need not notice.
    private func restart(because error: ClusterError) throws {
        Terminal.message("endoked worker: \(error.message)")
        var none = sigset_t()
        sigemptyset(&none)
        pthread_sigmask(SIG_SETMASK, &none, nil)
        for number in [SIGTERM, SIGINT, SIGHUP] { signal(number, SIG_DFL) }
        // Standard streams stay; sockets and files of this life end with it.
        for descriptor in Int32(3)..<4096 { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
        var arguments: [UnsafeMutablePointer<CChar>?] = CommandLine.arguments.map { strdup($0) }
        arguments.append(nil)
        execv(ChildProcess.ownProgram, arguments)
        for argument in arguments { free(argument) }
        throw ConfigurationError("the worker could not start anew (\(String(cString: strerror(errno)))): start it again")
    }
}
