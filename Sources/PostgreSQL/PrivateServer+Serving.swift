import Foundation

extension PrivateServer {
    /// Why `serve` is to end.
    public enum Ending: Sendable {
        /// Somebody asked for it: open work is rolled back in good order, and what was committed is tidied up.
        case ordered
        /// Who needed the server is gone: it has seconds. Nothing committed is lost; the next start reads the log again.
        case orphaned
    }

    /// What `serve` tells.
    public enum Event: Sendable {
        case ready(process: Int32)
        /// It is started again after the pause.
        case died(reason: String, pauseInSeconds: Double)
    }

    /// Runs the server and watches over it until `ending` gives a reason to end, then stops it. A server that dies is
    /// started again, with growing pauses for as long as it cannot be; one that runs in the folder already is taken over.
    ///
    /// Call it on a thread that lives as long as the program: where the system can, the server gets SIGINT (an orderly
    /// stop) when that thread dies, so that not even `kill -9` of this program leaves it behind.
    /// - Throws: `.privateServer` when the server has never been ready: then something is set up wrongly.
    public func serve(until ending: () -> Ending?, report: (Event) -> Void) throws {
        var wasEverReady = false
        var pause = 0.1
        while true {
            let began = Date()
            var failure: (any Error)?
            do {
                try prepare()
                let isOver = try serveOnce(until: ending) { process in
                    wasEverReady = true
                    report(.ready(process: process))
                }
                if isOver { return }
            } catch { failure = error }
            if let failure, !wasEverReady { throw failure }
            pause = Date().timeIntervalSince(began) > 10 ? 0.1 : min(pause * 2, 5)
            report(.died(reason: failure.map { "\($0)" } ?? "it was ended by somebody else", pauseInSeconds: pause))
            let deadline = Date().addingTimeInterval(pause)
            while Date() < deadline {
                if ending() != nil { return }
                usleep(50_000)
            }
        }
    }

    /// - Returns: true when `ending` asked for the end and the server is gone; false when a server that was taken over went.
    private func serveOnce(until ending: () -> Ending?, onReady: (Int32) -> Void) throws -> Bool {
        var isReady = false
        func watch(_ process: @autoclosure () -> Int32?, isGone: () -> Bool) -> Bool {
            while !isGone() {
                if !isReady, let server = running, server.isReady {
                    isReady = true
                    onReady(server.process)
                }
                if let ending = ending() {
                    if let process = process() { end(process, patience: ending == .ordered ? 30 : 4, isGone: isGone) }
                    return true
                }
                usleep(50_000)
            }
            return false
        }
        if let found = running { return watch(found.process, isGone: { running?.process != found.process }) }

        let mark = logSize
        let descriptor = open(log.path, O_WRONLY | O_APPEND | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw PostgreSQLError(.privateServer, "\(log.path) cannot be opened: \(String(cString: strerror(errno)))")
        }
        defer { close(descriptor) }
        let command = try account.command(installation.program("postgres"), ["-D", data.path], endsWithUs: true)
        let process = try Program.spawn(command.path, command.arguments, output: descriptor)
        var status: Int32 = 0
        var hasEnded = false
        let isOver = watch(running?.process ?? process) {
            if !hasEnded { hasEnded = waitpid(process, &status, WNOHANG) != 0 }
            return hasEnded
        }
        if isOver { return true }
        // Another that was started at the same moment, by pg_ctl for one, is taken over.
        if running != nil { return false }
        let code = Program.exitStatus(status)
        throw PostgreSQLError(
            .privateServer,
            "the server in \(data.path) \(isReady ? "ended" : "did not start") (\(code > 128 ? "signal \(code - 128)" : "exit code \(code)"))\(isReady ? "" : complaints(since: mark)); see \(log.path)"
        )
    }

    /// Starts the server and leaves it to itself.
    func launchDetached() throws {
        let mark = logSize
        // The shell leaves it behind and goes; what it is given are words, whatever the folder's name.
        let command = try account.command(
            "/bin/sh",
            [
                "-c", #"log="$1"; shift; "$@" </dev/null >>"$log" 2>&1 & echo $!"#, "sh", log.path,
                installation.program("postgres"), "-D", data.path,
            ])
        let outcome = try Program.run(command.path, command.arguments)
        guard outcome.status == 0, let process = Int32(outcome.output) else {
            throw PostgreSQLError(.privateServer, "the server in \(data.path) did not start: \(outcome.output)")
        }
        let deadline = Date().addingTimeInterval(60)
        while !isReady {
            guard Date() < deadline, Program.isAlive(process) else {
                throw PostgreSQLError(
                    .privateServer, "the server in \(data.path) did not start\(complaints(since: mark)); see \(log.path)")
            }
            usleep(20_000)
        }
    }

    /// Stops a server: in good order within `patience` seconds, then at once, then by force.
    /// - Returns: whether it is gone.
    @discardableResult
    func end(_ process: Int32, patience: Double, isGone: () -> Bool) -> Bool {
        for (signal, seconds) in [(SIGINT, patience), (SIGQUIT, 3), (SIGKILL, 2)] {
            if isGone() { return true }
            kill(process, signal)
            let deadline = Date().addingTimeInterval(seconds)
            while Date() < deadline {
                if isGone() { return true }
                usleep(20_000)
            }
        }
        return isGone()
    }

    /// Processes of a server whose first one was killed end by themselves within moments; what does not is ended, or it
    /// would write into the files of the next one.
    func endOrphans() throws {
        let began = Date()
        // One that runs, or is about to and has no lock file yet, is none.
        while running == nil {
            let left = RunningServer.processes(of: data)
            let waited = Date().timeIntervalSince(began)
            if left.isEmpty { return }
            guard waited < 15 else {
                throw PostgreSQLError(
                    .privateServer, "process \(left[0]) of a dead server in \(data.path) does not end: end it by hand")
            }
            if waited > 3 { for process in left { kill(process, SIGKILL) } }
            usleep(50_000)
        }
    }

    private var logSize: UInt64 {
        ((try? FileManager.default.attributesOfItem(atPath: log.path))?[.size] as? NSNumber)?.uint64Value ?? 0
    }

    /// Why the server says that it cannot run: only such lines, which hold no value of a row.
    private func complaints(since mark: UInt64) -> String {
        guard let handle = FileHandle(forReadingAtPath: log.path) else { return "" }
        defer { try? handle.close() }
        guard (try? handle.seek(toOffset: mark)) != nil, let bytes = try? handle.read(upToCount: 65_536) else { return "" }
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n").compactMap { line in
            ["FATAL:", "PANIC:", "HINT:"].firstNonNil { line.range(of: $0) }.map { line[$0.lowerBound...] }
        }
        return lines.isEmpty ? "" : ": " + lines.suffix(3).joined(separator: "; ")
    }
}

extension Array {
    fileprivate func firstNonNil<Value>(_ transform: (Element) -> Value?) -> Value? {
        for element in self { if let value = transform(element) { return value } }
        return nil
    }
}
