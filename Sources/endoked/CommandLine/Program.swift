import Foundation
import Ledger
import Stages

/// Finds the command that was asked for, runs it, and turns what it throws into one message and an exit code.
enum Program {
    static let version = "0.1.0"

    static let commands: [any Command.Type] = [
        RunCommand.self, CoordinatorCommand.self, WorkerCommand.self, SubmitCommand.self, CancelCommand.self, ResumeCommand.self,
        StatusCommand.self, QuarantineCommand.self, RequeueCommand.self, ResultsCommand.self, PruneCommand.self,
        LabelCommand.self, EvaluateCommand.self, ArchiveCheckCommand.self, SynthCommand.self,
        SelftestCommand.self, CheckpointCommand.self, WeightsCommand.self, DoctorCommand.self, BenchCommand.self, BenchMillionCommand.self,
        BenchScoreCommand.self,
        CalibrateCommand.self, BenchInt8Command.self, BenchNetworksCommand.self,
    ]

    /// Started by other commands, not by people: they stand in no list.
    static let internalCommands: [any Command.Type] = [PostgresCommand.self]

    static func run(_ words: [String]) -> ExitStatus {
        guard let first = words.first, !["--help", "-h", "help"].contains(first) else {
            return help(for: Array(words.dropFirst()))
        }
        if first == "--version" || first == "version" {
            Terminal.print("endoked \(version)")
            return .complete
        }
        guard let (command, rest) = command(for: words) else {
            let names = commands.map { $0.spec.name }
            let near =
                Spelling.nearest(to: words.prefix(2).joined(separator: " "), among: names)
                ?? Spelling.nearest(to: first, among: names)
            Terminal.message("endoked: unknown command '\(first)'" + (near.map { "; did you mean '\($0)'?" } ?? ""))
            Terminal.message("'endoked --help' lists the commands")
            return .usage
        }
        return run(command, rest)
    }

    private static func run(_ command: any Command.Type, _ words: [String]) -> ExitStatus {
        let name = command.spec.name
        do {
            let arguments = try ParsedArguments(words, spec: command.spec)
            if arguments.asksForHelp {
                Terminal.print(command.spec.help)
                return .complete
            }
            return try command.init(arguments).run()
        } catch let error as UsageError {
            Terminal.message("endoked \(error.command == nil ? name + ": " : "")\(error)")
            Terminal.message("'endoked \(name) --help' says what it takes")
            return .usage
        } catch let error as ConfigurationError {
            Terminal.message("endoked \(name): \(error)")
            return .configuration
        } catch {
            Terminal.message("endoked \(name): \(ForeignError.wordsWithPath(error))")
            return FailureKind.status(of: error)
        }
    }

    /// The command whose name (one or two words) the line begins with.
    private static func command(for words: [String]) -> ((any Command.Type), [String])? {
        for length in [2, 1] where words.count >= length {
            let name = words.prefix(length).joined(separator: " ")
            if let found = (commands + internalCommands).first(where: { $0.spec.name == name }) {
                return (found, Array(words.dropFirst(length)))
            }
        }
        return nil
    }

    private static func help(for words: [String]) -> ExitStatus {
        if let (command, _) = command(for: words) {
            Terminal.print(command.spec.help)
            return .complete
        }
        let width = (commands.map { $0.spec.name.count }.max() ?? 0) + 3
        let list = commands.map { "  " + $0.spec.name.padding(toLength: width, withPad: " ", startingAt: 0) + $0.spec.summary }
        Terminal.print(
            """
            endoked \(version): knowledge from colonoscopy archives, over a cluster of workers

            usage: endoked COMMAND [arguments] [options]     'endoked COMMAND --help' tells each in full

            \(list.joined(separator: "\n"))

            exit codes: 0 complete, 1 failed, 2 usage, 3 partial (some items failed and are listed), 4 cancelled,
            5 configuration (database, archive folder, libraries: the message says which)
            """)
        return .complete
    }
}
