import Foundation
import NeuralNetwork
import PostgreSQL
import Stages
import ZeroMQ

/// `endoked doctor`: is everything here that the program needs, and is it set up well?
struct DoctorCommand: Command {
    static let spec = CommandSpec(
        name: "doctor", summary: "check this machine: libraries, processor, PostgreSQL, limits, folders, disk",
        discussion: "Each line says what was found and, where something is wrong, how to mend it. Exit code 5 if so.",
        options: [
            .option("database", "URL", "also connect to this PostgreSQL"),
            .option("connect", "ENDPOINT", "also ask this coordinator for what jobs wait for: centres, setups, slots, clocks"),
            .flag("allow-plaintext", "ask a coordinator on another host without encryption: only on a network that you trust"),
            .option("archive", "DIR", "also look whether this user may read this archive"),
            .option("out", "DIR", "where a run is to write; default: the current folder"),
            .flag("json", "as JSON"),
        ])

    private let database: String?
    private let coordinator: Endpoint?
    private let allowsPlaintext: Bool
    let archive: URL?
    let out: URL
    private let asJSON: Bool

    init(_ arguments: ParsedArguments) throws {
        database = arguments.string("database")
        coordinator = try arguments.string("connect").map(EndpointOption.parse)
        allowsPlaintext = arguments.has("allow-plaintext")
        archive = try arguments.string("archive").map { try OutputFolder.named($0, option: "archive") }
        out = try OutputFolder.named(arguments.string("out") ?? FileManager.default.currentDirectoryPath, option: "out")
        asJSON = arguments.has("json")
    }

    struct Finding: Encodable {
        var name: String
        var isGood: Bool
        var found: String
        var fix: String?
    }

    func run() throws -> ExitStatus {
        // First: what is found later is better told than by a library that runs into it.
        let files = openFiles
        let findings =
            [files, engine, algebra, messages, server] + (database.map { [connection($0)] } ?? [])
            + [temporaryFolder, sharedMemory, locale, outFolder, disk] + (archive.map { [access(to: $0)] } ?? [])
            + (coordinator.map { Self.findings(of: $0, allowsPlaintext: allowsPlaintext) } ?? [])
        if asJSON {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .prettyPrinted]
            Terminal.print(String(decoding: try encoder.encode(findings), as: UTF8.self))
        } else {
            for finding in findings {
                Terminal.print("\(finding.isGood ? "ok  " : "BAD ")  \(finding.name): \(finding.found)")
                if let fix = finding.fix { Terminal.print("      fix: \(fix)") }
            }
        }
        return findings.allSatisfy(\.isGood) ? .complete : .configuration
    }

    private var engine: Finding {
        Finding(
            name: "networks", isGood: true,
            found: "\(EngineSetup.library), instruction set \(EngineSetup.instructionSet)"
                + (EngineSetup.emulatesBFloat16
                    ? " as ENDOKED_EMULATE_BF16 asks, slowly"
                    : EngineSetup.hasBFloat16 ? ", bf16 at full speed" : ", no bf16: use fp32 here"))
    }

    private var algebra: Finding {
        do {
            let algebra = try ParameterAlgebra.open(measuringDefaultCore: true)
            let report = algebra.report
            let speed = algebra.measuredGFLOPS()
            var found = "\(report.library), core \(report.core), \(Int(speed)) GFLOP/s"
            if let core = report.defaultCore, core != report.core {
                found += "; its own choice, \(core), was put right"
                if let slow = report.defaultCoreGFLOPS { found += " (\(Int(slow)) GFLOP/s)" }
            }
            return Finding(name: "parameter algebra", isGood: true, found: found)
        } catch {
            return Finding(
                name: "parameter algebra", isGood: false, found: "\(error)", fix: "apt-get install libopenblas0-pthread")
        }
    }

    private var messages: Finding {
        do {
            // A context is refused where libzmq was built without encryption.
            _ = try Context()
            return Finding(name: "messages", isGood: true, found: "libzmq \(Context.libraryVersion) with CURVE")
        } catch {
            return Finding(
                name: "messages", isGood: false, found: "\(error)",
                fix: "install a libzmq built with libsodium: apt-get install libzmq5")
        }
    }

    private var server: Finding {
        // Not where TMPDIR points: whether that is there is a question of its own.
        let folder = URL(fileURLWithPath: "/tmp/endoked-doctor-\(getpid())", isDirectory: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        do {
            let server = try LocalDatabase(state: folder)
            defer { server.stop() }
            let started = Date()
            guard let database = try server.start() else { throw ConfigurationError("interrupted") }
            let version = try Connection(connectionString: database).serverVersion
            return Finding(
                name: "private PostgreSQL", isGood: true,
                found: "\(version / 10000).\(version % 10000), initialised and started in "
                    + "\(Terminal.number(Date().timeIntervalSince(started), digits: 1)) s")
        } catch {
            return Finding(
                name: "private PostgreSQL", isGood: false, found: ForeignError.wordsWithPath(error),
                fix: (error as? PostgreSQLError)?.code == .notInstalled
                    ? "apt-get install postgresql, or give --database to run and coordinator"
                    : "mend what the message names, or give --database to run and coordinator")
        }
    }

    private func connection(_ database: String) -> Finding {
        do {
            let version = try Connection(connectionString: database).serverVersion
            let isNew = version >= 140_000
            return Finding(
                name: "database", isGood: isNew, found: "PostgreSQL \(version / 10000).\(version % 10000)",
                fix: isNew ? nil : "PostgreSQL 14 or later is needed")
        } catch {
            return Finding(name: "database", isGood: false, found: "\(error)", fix: "check host, name, user and ~/.pgpass")
        }
    }
}
