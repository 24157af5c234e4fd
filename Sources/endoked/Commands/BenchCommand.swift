import Cluster
import Foundation

/// `endoked bench noop`: how many shards a second the cluster itself can commit.
struct BenchCommand: Command {
    static let spec = CommandSpec(
        name: "bench noop", summary: "shards that do nothing, committed durably through the whole path, a second",
        discussion: "Coordinator, ZeroMQ, one worker and PostgreSQL (a private one unless --database is given).",
        options: [
            .option("shards", "N", "default 50000"),
            .option("slots", "N", "default 2"),
            .option("database", "URL", "PostgreSQL, as libpq takes it"),
        ])

    private let shards: Int
    private let slots: Int
    private let database: String?

    init(_ arguments: ParsedArguments) throws {
        shards = try arguments.integer("shards", in: 1...10_000_000) ?? 50_000
        slots = try arguments.integer("slots", in: 1...256) ?? 2
        database = arguments.string("database")
    }

    func run() throws -> ExitStatus {
        if let database { return try measure(database) }
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("endoked-bench-\(getpid())")
        let server = try LocalDatabase(state: folder)
        defer {
            server.stop()
            try? FileManager.default.removeItem(at: folder)
        }
        guard let database = try server.start() else { return .cancelled }
        return try measure(database)
    }

    private func measure(_ database: String) throws -> ExitStatus {
        let outcome = try NoOpBenchmark.run(database: database, shards: shards, slots: slots)
        Terminal.print(
            "\(shards) shards in \(Terminal.number(outcome.seconds, digits: 2)) s: \(Int(outcome.shardsPerSecond)) shards/s durably committed"
        )
        return .complete
    }
}
