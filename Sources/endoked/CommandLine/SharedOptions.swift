import Archives
import Cluster
import Foundation
import Synchronization
import ZeroMQ

/// `--database`, or `ENDOKED_DATABASE`.
enum DatabaseOption {
    static func value(_ arguments: ParsedArguments) throws -> String {
        if let value = arguments.string("database") ?? ProcessInfo.processInfo.environment["ENDOKED_DATABASE"] {
            return value
        }
        throw UsageError("--database is missing: postgresql://user@host/name, or the variable ENDOKED_DATABASE")
    }
}

enum EndpointOption {
    static func parse(_ text: String) throws -> Endpoint {
        do { return try Endpoint(text) } catch { throw UsageError("\(error)") }
    }

    /// Where a coordinator is to be found.
    /// - Throws: `UsageError` for what is no endpoint, `ConfigurationError` for a host that is not known.
    static func connecting(_ text: String) throws -> Endpoint {
        let endpoint = try parse(text)
        do { try endpoint.requireConnectable() } catch {
            if error.code == .unresolved { throw ConfigurationError("\(error)") }
            throw UsageError("\(error)")
        }
        return endpoint
    }

    /// Where to listen.
    /// - Throws: as `connecting`.
    static func listening(_ text: String) throws -> Endpoint {
        let endpoint = try parse(text)
        do { _ = try endpoint.forListening() } catch { throw ConfigurationError("\(error)") }
        return endpoint
    }
}

enum ArchiveOption {
    static func existingFolder(_ path: String) throws -> URL {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), isFolder.boolValue else {
            throw ConfigurationError("there is no folder \(path)")
        }
        return URL(fileURLWithPath: path).standardizedFileURL
    }

    /// A folder that may come later: what is there already must be a folder.
    static func expectedFolder(_ path: String) throws -> URL {
        let folder = URL(fileURLWithPath: path).standardizedFileURL
        return Worker.Configuration.isAwaited(folder) ? folder : try existingFolder(path)
    }

    /// `NAME=DIR`. Both may hold equals signs: the first cut after which the folder is there counts, or else the
    /// first after which it is a whole path, or else the first.
    static func centre(_ pair: String) throws -> (name: String, folder: String) {
        let cuts = pair.indices.filter { pair[$0] == "=" && $0 > pair.startIndex && pair.index(after: $0) < pair.endIndex }
        let readings = cuts.map { (name: String(pair[..<$0]), folder: String(pair[pair.index(after: $0)...])) }
        guard let first = readings.first else { throw UsageError("--centre takes NAME=DIR, not '\(pair)'") }
        return readings.first { FileManager.default.fileExists(atPath: $0.folder) }
            ?? readings.first { $0.folder.hasPrefix("/") } ?? first
    }

    static func open(_ path: String) throws -> [CentreArchive] {
        do { return try Archive.open(URL(fileURLWithPath: path).standardizedFileURL) } catch let error as ArchiveError {
            throw ConfigurationError(error.description)
        }
    }
}

enum HostName {
    /// `host-12345`: unique among the workers of a cluster.
    static var withProcess: String {
        "\(ProcessInfo.processInfo.hostName)-\(ProcessInfo.processInfo.processIdentifier)"
    }
}

/// Heartbeat and lease, for clusters over slow links and for tests.
enum TimingOptions {
    static let options: [CommandSpec.OptionSpec] = [
        .option("heartbeat", "S", "seconds between a worker's heartbeats; default 2"),
        .option("lease", "S", "seconds a shard's lease lasts without a heartbeat; default 15"),
    ]

    static func timing(_ arguments: ParsedArguments) throws -> ClusterTiming {
        var timing = ClusterTiming()
        if let seconds = try arguments.seconds("heartbeat") { timing.heartbeatInterval = .seconds(seconds) }
        if let seconds = try arguments.seconds("lease") { timing.leaseDuration = .seconds(seconds) }
        guard timing.leaseDuration >= timing.heartbeatInterval * 3 else {
            throw UsageError("--lease must be at least three times --heartbeat, or healthy workers lose their shards")
        }
        return timing
    }
}

/// What every long-running command takes: how much it logs, and the process that it must not outlive.
struct ProcessOptions {
    static let options: [CommandSpec.OptionSpec] = [
        .option("log", "LEVEL", "debug, info, warning or error; default info"),
        .option(
            "log-file", "FILE",
            "where events are appended, instead of standard error; turned at 10 MiB, with FILE.1 and FILE.2 kept"),
        .option("parent", "PID", "end when this process, which started it, is gone (set by `endoked run`)"),
    ]

    let log: EventLog
    private let parent: Int32?

    init(_ arguments: ParsedArguments) throws {
        let level = try arguments.choice("log", ["debug", "info", "warning", "error"]) ?? "info"
        let levels: [String: EventLog.Level] = [
            "debug": .debug, "info": .info, "warning": .warning, "error": .error,
        ]
        if let file = arguments.string("log-file") {
            do { log = .file(try RotatingLog(file), level: levels[level] ?? .info) } catch let error as ClusterError {
                throw ConfigurationError(error.message)
            }
        } else {
            log = .standardError(level: levels[level] ?? .info)
        }
        parent = try arguments.integer("parent", in: 1...Int(Int32.max)).map(Int32.init)
    }

    /// Whether the process that started this one is gone: its children are handed to another then.
    var isParentGone: Bool { parent.map { getppid() != $0 } ?? false }

    /// Calls `onLoss` once when the parent has gone: its children are handed to another process then.
    /// Whatever takes longer than ten seconds then is cut off: what was committed is in the database.
    func watchParent(_ onLoss: @escaping @Sendable () -> Void) {
        guard parent != nil else { return }
        Thread.detachNewThread {
            while !isParentGone { usleep(500_000) }
            onLoss()
            sleep(10)
            _exit(ExitStatus.cancelled.rawValue)
        }
    }
}

extension SignalWatch {
    /// What ends a program in good order: Ctrl-C, `kill`, and the closing of its terminal, unless `nohup` made it ignore that.
    static var ending: [Int32] {
        var action = sigaction()
        sigaction(SIGHUP, nil, &action)
        let isIgnored = unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self)
        return [SIGINT, SIGTERM] + (isIgnored ? [] : [SIGHUP])
    }
}

/// Runs a handler, off the signal's own context, each time one of some signals arrives.
struct SignalWatch {
    private let sources: [any DispatchSourceSignal]

    /// - Parameter handler: gets how many signals have come so far, from 1.
    init(_ signals: [Int32], handler: @escaping @Sendable (Int) -> Void) {
        let queue = DispatchQueue(label: "endoked.signals")
        let counter = Counter()
        // A source takes the signal over from its default action, which ends the process; were it ignored until then, one
        // that comes early would be lost.
        let registered = DispatchGroup()
        sources = signals.map { number in
            let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
            source.setEventHandler { handler(counter.next()) }
            registered.enter()
            source.setRegistrationHandler { registered.leave() }
            source.resume()
            return source
        }
        registered.wait()
    }

    func cancel() { sources.forEach { $0.cancel() } }

    private final class Counter: Sendable {
        private let value = Mutex(0)
        func next() -> Int {
            value.withLock {
                $0 += 1
                return $0
            }
        }
    }
}
