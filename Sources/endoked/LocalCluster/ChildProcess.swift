import Foundation

/// A coordinator or worker that `endoked run` started: the same program, in a process of its own, so that a crash in
/// one takes nothing else along. It is started again when it dies before it is told to end.
final class ChildProcess {
    let name: String
    private let arguments: [String]
    private let logFile: URL
    private var process: Process?
    private var started = Date.distantPast
    private var quickDeaths = 0

    /// - Parameter logFile: its standard error is appended there.
    init(name: String, arguments: [String], logFile: URL) {
        self.name = name
        self.arguments = arguments
        self.logFile = logFile
    }

    var processIdentifier: Int32? { process?.processIdentifier }

    func start() throws {
        if !FileManager.default.fileExists(atPath: logFile.path) {
            // Whether that went well shows when it is opened.
            _ = FileManager.default.createFile(atPath: logFile.path, contents: nil)
        }
        guard let log = FileHandle(forWritingAtPath: logFile.path) else {
            throw ConfigurationError("cannot write the log \(logFile.path)")
        }
        log.seekToEndOfFile()
        let child = Process()
        child.executableURL = URL(fileURLWithPath: Self.ownProgram)
        child.arguments = arguments + ["--parent", "\(ProcessInfo.processInfo.processIdentifier)"]
        child.standardInput = FileHandle.nullDevice
        child.standardOutput = log
        child.standardError = log
        do { try child.run() } catch {
            throw ConfigurationError("cannot start \(Self.ownProgram): was the program replaced or removed during the run?")
        }
        started = Date()
        try? log.close()
        process = child
    }

    /// Starts it again if it has died.
    /// - Returns: a line for people when it had died.
    /// - Throws: `ConfigurationError` when it died five times in a row within seconds of its start: something is wrong
    ///   that a restart cannot mend.
    func revive() throws -> String? {
        guard let process, !process.isRunning else { return nil }
        let how = process.terminationReason == .uncaughtSignal
            ? "signal \(process.terminationStatus)" : "exit code \(process.terminationStatus)"
        quickDeaths = Date().timeIntervalSince(started) < 5 ? quickDeaths + 1 : 0
        guard quickDeaths < 5 else {
            throw ConfigurationError(
                "\(name) died five times within seconds of its start, at last by \(how). Its log: \(logFile.path)\n\(lastLogLines)")
        }
        try start()
        return "\(name) died by \(how) and was started again"
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
