import Cluster
import Foundation
import Ledger
import ZeroMQ

/// `endoked status`: what the cluster is doing, from a coordinator or straight from the database.
struct StatusCommand: Command {
    static let spec = CommandSpec(
        name: "status", summary: "show jobs, stages, rounds, workers and errors",
        discussion: """
            Ask a running coordinator (--connect) or the database itself (--database, also when no coordinator runs).
            Without either, the coordinator at tcp://127.0.0.1:5570 is asked.
            """,
        options: [
            .option("connect", "ENDPOINT", "a coordinator: tcp://host:port or ipc://path"),
            .option("database", "URL", "PostgreSQL, as libpq takes it"),
            .option("job", "N", "only this job"),
            .flag("watch", "show again every two seconds until interrupted"),
            .flag("json", "as JSON (see Sources/Ledger/StatusSnapshot.swift for the fields)"),
            .flag("allow-plaintext", "connect to another host without encryption: only on a network that you trust"),
        ])

    private let source: Source
    private let job: JobID?
    private let watches: Bool
    private let asJSON: Bool

    private enum Source {
        case coordinator(Endpoint, allowsPlaintext: Bool)
        case database(String)
    }

    init(_ arguments: ParsedArguments) throws {
        if let database = arguments.string("database") {
            guard arguments.string("connect") == nil else { throw UsageError("give --connect or --database, not both") }
            source = .database(database)
        } else {
            source = .coordinator(
                try EndpointOption.connecting(arguments.string("connect") ?? "tcp://127.0.0.1:5570"),
                allowsPlaintext: arguments.has("allow-plaintext"))
        }
        job = try arguments.integer("job", in: 1...Int.max).map { JobID(Int64($0)) }
        watches = arguments.has("watch")
        asJSON = arguments.has("json")
    }

    func run() throws -> ExitStatus {
        let read = try reader()
        while true {
            let snapshot = try read()
            if asJSON {
                let encoder = JSONEncoder()
                encoder.outputFormatting = watches ? [.sortedKeys] : [.sortedKeys, .prettyPrinted]
                Terminal.print(String(decoding: try encoder.encode(snapshot), as: UTF8.self))
            } else {
                if watches, Terminal.outputIsTerminal { FileHandle.standardOutput.write(Data("\u{1B}[H\u{1B}[2J".utf8)) }
                Terminal.print(StatusText(snapshot: snapshot).text)
            }
            guard watches else { return .complete }
            Thread.sleep(forTimeInterval: 2)
        }
    }

    private func reader() throws -> () throws -> StatusSnapshot {
        switch source {
        case .database(let database):
            let ledger = Ledger(connectionString: database)
            return { try ledger.status(job: job) }
        case .coordinator(let endpoint, let allowsPlaintext):
            let client = try CoordinatorClient(endpoint: endpoint, allowPlaintext: allowsPlaintext)
            return { try client.status(job: job) }
        }
    }
}
