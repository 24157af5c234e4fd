import Foundation
import Stages

/// A coordinator or worker that `endoked run` started: the same program, in a process of its own, so that a crash in
/// one takes nothing else along. It is started again when it dies before it is told to end.
final class ChildProcess {
    let name: String
    private let arguments: [String]
    private let logFile: URL
    private var process: Process?
    private var started = Date.distantPast
    private var quickDeaths = 0
    private let isPatient: Bool
    private var nextStart: Date?

    /// - Parameters:
    ///   - logFile: its standard error is appended there.
    ///   - isPatient: it is started again, with pauses, however often it dies: what is in its way (a full disk) may pass.
    init(name: String, arguments: [String], logFile: URL, isPatient: Bool = false) {
        self.name = name
        self.arguments = arguments
        self.logFile = logFile
        self.isPatient = isPatient
    }

    var processIdentifier: Int32? { process?.processIdentifier }

    func start() throws {
        // Appended by every writer: the child turns the file by its size (`--log-file`), and others may hold it as well.
        let descriptor = open(logFile.path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else {
            throw ConfigurationError("cannot write the log \(logFile.path): \(String(cString: strerror(errno)))")
        }
        let log = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        let child = Process()
        child.executableURL = URL(fileURLWithPath: Self.ownProgram)
        child.arguments = arguments + ["--parent", "\(ProcessInfo.processInfo.processIdentifier)"]
        child.standardInput = FileHandle.nullDevice
        child.standardOutput = log
        child.standardError = log
        do { try child.run() } catch { throw ConfigurationError("cannot start the \(name): \(Self.obstacle(error))") }
        started = Date()
        try? log.close()
        process = child
    }

    /// Starts it again if it has died.
    /// - Returns: a line for people when it had died; of a patient one only for the first of several deaths in a row.
    /// - Throws: `ConfigurationError` when one that is not patient died five times in a row within seconds of its start:
    ///   something is wrong that a restart cannot mend.
    func revive() throws -> String? {
        guard let process, !process.isRunning else { return nil }
        if let nextStart {
            guard Date() >= nextStart else { return nil }
            self.nextStart = nil
            try restart()
            return nil
        }
        let how = howItDied(process)
        quickDeaths = Date().timeIntervalSince(started) < 5 ? quickDeaths + 1 : 0
        guard isPatient || quickDeaths < 5 else {
            throw ConfigurationError(
                "\(name) died five times within seconds of its start, at last by \(how). Its log: \(logFile.path)\n\(lastLogLines)")
        }
        if quickDeaths > 1, isPatient {
            nextStart = Date().addingTimeInterval(min(Double(quickDeaths), 10))
            return quickDeaths == 2 ? "\(name) dies again and again, at last by \(how); it is tried on. Its log: \(logFile.path)" : nil
        }
        try restart()
        return "\(name) died by \(how) and was started again"
    }

    private func restart() throws {
        do { try start() } catch  where isPatient { nextStart = Date().addingTimeInterval(5) }
    }

    /// - Throws: `ConfigurationError` with its last words when it has died.
    func requireAlive() throws {
        guard let process, !process.isRunning else { return }
        throw ConfigurationError("the \(name) died by \(howItDied(process)). Its log: \(logFile.path)\n\(lastLogLines)")
    }

    private func howItDied(_ process: Process) -> String {
        process.terminationReason == .uncaughtSignal
            ? "signal \(process.terminationStatus)" : "exit code \(process.terminationStatus)"
    }

    /// Why a process could not be started, and what to do.
    private static func obstacle(_ error: any Error) -> String {
        return switch ForeignError.systemCode(error) {
        case EMFILE, ENFILE: "too many files are open; raise the limit (ulimit -n)"
        case EAGAIN: "too many processes run; raise the limit (ulimit -u)"
        case ENOMEM: "no memory is left"
        case ENOENT, EACCES, ETXTBSY: "\(ownProgram) cannot be run: was the program replaced or removed during the run?"
        default: ForeignError.wordsWithPath(error)
        }
    }

    func signal(_ number: Int32) {
        if let process, process.isRunning { kill(process.processIdentifier, number) }
    }

    /// Waits until it has ended, at most `seconds`, then kills it.
    func end(within seconds: Double) {
        guard let process else { return }
        let deadline = Date().addingTimeInterval(seconds)
        while process.isRunning, Date() < deadline { usleep(20_000) }
        if process.isRunning { kill(process.processIdentifier, SIGKILL) }
        process.waitUntilExit()
    }

    private var lastLogLines: String {
        let text = (try? String(contentsOf: logFile, encoding: .utf8)) ?? ""
        return text.split(separator: "\n").suffix(3).map { "  " + $0 }.joined(separator: "\n")
    }

    /// The file of the running program, whatever name it was called by.
    static var ownProgram: String {
        (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? CommandLine.arguments[0]
    }
}
