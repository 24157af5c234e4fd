import Foundation
import Testing

/// What a machine, its operator and its failures do to `endoked run`.
@Suite(.serialized) struct OneMachineTests {
    private static let tables = [
        "studies.csv", "report-labels.csv", "bag-scores.csv", "image-scores.csv", "boxes.csv", "items.csv", "rounds.csv",
        "evaluations.csv", "models/mil-train.safetensors",
    ]

    private func archive(at folder: URL) throws {
        let made = try EndokedProcess.run("synth", folder.path, "--seed", "5", "--studies", "6", "--centres", "2")
        try #require(made.status == 0, "\(made.errors)")
    }

    /// Two reports and no image: what is looked at here comes before any.
    private func tables(at folder: URL) throws {
        let studies = folder.appendingPathComponent("north/studies/s1")
        try FileManager.default.createDirectory(at: studies, withIntermediateDirectories: true)
        let reports = ["s1", "s2"].map { #"{"study": "\#($0)", "patient": "\#($0)", "text": "No polyps."}"# + "\n" }.joined()
        try Data(reports.utf8).write(to: folder.appendingPathComponent("north/reports.jsonl"))
    }

    private func run(_ archive: URL, to out: URL, _ more: String...) throws -> EndokedProcess.Running {
        try .init(["run", "--archive", archive.path, "--pipeline", "smoke", "--workers", "1", "--out", out.path] + more)
    }

    private func wait(_ what: String, _ condition: () -> Bool) throws {
        let deadline = Date().addingTimeInterval(90)
        while Date() < deadline {
            if condition() { return }
            usleep(50_000)
        }
        try #require(condition(), "\(what) did not come")
    }

    private func postmaster(in state: URL) -> Int32? {
        let file = state.appendingPathComponent("postgres/data/postmaster.pid")
        return (try? String(contentsOf: file, encoding: .utf8))?.split(separator: "\n").first.flatMap { Int32($0) }
    }

    /// Processes that have `folder` in their command line or work in it.
    private func processes(of folder: URL) -> [Int32] {
        let all = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return all.compactMap(Int32.init).filter { number in
            let line = FileManager.default.contents(atPath: "/proc/\(number)/cmdline") ?? Data()
            let place = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(number)/cwd")) ?? ""
            return number != getpid() && (String(decoding: line, as: UTF8.self).contains(folder.path) || place.hasPrefix(folder.path))
        }
    }

    private func expectNothingRuns(in folder: URL, within seconds: Double) {
        let deadline = Date().addingTimeInterval(seconds)
        while Date() < deadline, !processes(of: folder).isEmpty { usleep(100_000) }
        #expect(processes(of: folder).isEmpty)
    }

    @Test func aRunIsItsFoldersOnlyOneAndOutlivesItsDatabaseAndTheTerminal() throws {
        let folder = try TemporaryFolder.make()
        defer { try? FileManager.default.removeItem(at: folder) }
        // Names that mean something to libpq, to postgresql.conf, to shells and to --centre NAME=DIR.
        let archive = folder.appendingPathComponent("an archive, \"old\" = ü")
        try self.archive(at: archive)
        let calm = folder.appendingPathComponent("it's calm, $HOME=x")
        let first = try run(archive, to: calm).wait()
        try #require(first.status == 0, "\(first.errors)")

        let storm = folder.appendingPathComponent("storm")
        let state = storm.appendingPathComponent("state")
        let running = try run(archive, to: storm)
        try wait("a worker") { !running.children("worker").isEmpty }

        // A second run is told who is there, and the first does not notice.
        let second = try run(archive, to: storm).wait()
        #expect(second.status == 5)
        #expect(second.errors.contains("process \(running.process.processIdentifier) on "), "\(second.errors)")
        let other = folder.appendingPathComponent("other")
        let third = try run(archive, to: other, "--state", state.path).wait()
        #expect(third.status == 5 && third.errors.contains("process \(running.process.processIdentifier) on "), "\(third.errors)")
        // Its results are read without harm.
        let read = try EndokedProcess.run("results", "--state", storm.path, "--out", other.path)
        #expect(read.status == 0, "\(read.errors)")
        #expect(running.process.isRunning)

        // PostgreSQL dies, and then who watches over it.
        let server = try #require(postmaster(in: state))
        kill(server, SIGKILL)
        try wait("a new PostgreSQL") { postmaster(in: state).map { $0 != server && kill($0, 0) == 0 } ?? false }
        try #require(running.process.isRunning, "the run was too short for this test")
        let guardian = try #require(running.children("postgres").first)
        kill(guardian, SIGKILL)
        try wait("a new guard") { running.children("postgres").first.map { $0 != guardian } ?? false }

        // Its terminal is closed.
        kill(running.process.processIdentifier, SIGHUP)
        let interrupted = running.wait()
        #expect(interrupted.status == 4, "\(interrupted.errors)")
        #expect(interrupted.errors.contains("the same command goes on"))
        expectNothingRuns(in: state, within: 1)

        let again = try run(archive, to: storm).wait()
        #expect(again.status == 0 && again.errors.contains("going on with job"), "\(again.errors)")
        for table in Self.tables {
            let same =
                try Data(contentsOf: calm.appendingPathComponent(table))
                == Data(contentsOf: storm.appendingPathComponent(table))
            #expect(same, "\(table) differs")
        }
    }

    @Test func aKilledRunLeavesNothingAndItsResultsCanBeRead() throws {
        let folder = try TemporaryFolder.make()
        defer { try? FileManager.default.removeItem(at: folder) }
        let archive = folder.appendingPathComponent("archive")
        try self.archive(at: archive)
        let out = folder.appendingPathComponent("out")
        let state = out.appendingPathComponent("state")
        for alsoKilled in [[], ["coordinator"], ["coordinator", "worker", "postgres"]] {
            let running = try run(archive, to: out)
            try wait("a worker") { !running.children("worker").isEmpty }
            let victims = alsoKilled.flatMap { running.children($0) }
            try #require(victims.count == alsoKilled.count)
            kill(running.process.processIdentifier, SIGKILL)
            for victim in victims { kill(victim, SIGKILL) }
            expectNothingRuns(in: state, within: 15)
        }
        let results = folder.appendingPathComponent("results")
        let read = try EndokedProcess.run("results", "--state", state.path, "--out", results.path)
        #expect(read.status == 0, "\(read.errors)")
        #expect(FileManager.default.fileExists(atPath: results.appendingPathComponent("run.json").path))
        expectNothingRuns(in: state, within: 1)
        let none = try EndokedProcess.run("results", "--state", archive.path)
        #expect(none.status == 5 && none.errors.contains("holds no database"), "\(none.errors)")
    }

    @Test func tooFewFilesAreSaidBeforeAnythingStarts() throws {
        let folder = try TemporaryFolder.make()
        defer { try? FileManager.default.removeItem(at: folder) }
        let archive = folder.appendingPathComponent("archive")
        try tables(at: archive)
        let out = folder.appendingPathComponent("out")
        let process = try EndokedProcess.Running(
            ["run", "--archive", archive.path, "--pipeline", "smoke", "--out", out.path],
            shell: #"ulimit -Sn 40; ulimit -Hn 40; exec "$@""#
        ).wait()
        #expect(process.status == 5 && process.errors.contains("ulimit -n"), "\(process.errors)")
        #expect(!FileManager.default.fileExists(atPath: out.path))
    }

    @Test func doctorFindsWhatTheMachineLacks() throws {
        let folder = try TemporaryFolder.make()
        defer { try? FileManager.default.removeItem(at: folder) }
        let process = try EndokedProcess.Running(
            ["doctor", "--out", folder.path], environment: ["TMPDIR": "/no/such/folder", "LC_ALL": "de_XX.UTF-8"],
            shell: #"ulimit -n 200; exec "$@""#
        ).wait()
        #expect(process.status == 5)
        #expect(process.output.contains("BAD   open files: 200 at a time"), "\(process.output)")
        #expect(process.output.contains("BAD   temporary folder: /no/such/folder"))
        #expect(process.output.contains("ok    private PostgreSQL"), "what is missing is not PostgreSQL")
        #expect(process.output.contains("locale: de_XX.UTF-8 is not installed"))
    }

    @Test(arguments: ["line\nend", ""])
    func foldersThatNothingCanHoldAreRefused(name: String) throws {
        let process = try EndokedProcess.run("run", "--archive", "/", "--out", name.isEmpty ? "" : "/tmp/" + name)
        #expect(process.status == 2 && process.errors.contains("--out names a folder"), "\(process.errors)")
    }

    /// Root may read everything: then somebody else looks.
    private static let asSomebody =
        geteuid() == 0 ? #"exec setpriv --reuid=65534 --regid=65534 --clear-groups -- "$@""# : #"exec "$@""#

    @Test func foldersWithoutPermissionAreCalledThat() throws {
        let folder = try TemporaryFolder.make()
        let archive = folder.appendingPathComponent("archive")
        try tables(at: archive)
        let centre = archive.appendingPathComponent("north")
        try #require(FileManager.default.fileExists(atPath: centre.path))
        func allow(_ permissions: Int, _ url: URL) throws {
            try FileManager.default.setAttributes([.posixPermissions: permissions], ofItemAtPath: url.path)
        }
        defer {
            try? allow(0o755, centre)
            try? FileManager.default.removeItem(at: folder)
        }
        try allow(0, centre)
        for command in [["archive", "check", archive.path], ["run", "--archive", archive.path, "--out", "/tmp/never"]] {
            let process = try EndokedProcess.Running(command, shell: Self.asSomebody).wait()
            #expect(process.status == 5 && process.errors.contains("cannot be read by user"), "\(process.output)\(process.errors)")
        }
        let worker = try EndokedProcess.Running(
            ["doctor", "--archive", archive.path, "--out", "/proc"], shell: Self.asSomebody
        ).wait()
        #expect(worker.output.contains("BAD   archive: ") && worker.output.contains("BAD   results: /proc cannot be written"))
        try allow(0o755, centre)
        let closed = folder.appendingPathComponent("closed")
        try FileManager.default.createDirectory(at: closed, withIntermediateDirectories: true)
        try allow(0o555, closed)
        let out = closed.appendingPathComponent("a/b")
        let process = try EndokedProcess.Running(
            ["run", "--archive", archive.path, "--out", out.path], shell: Self.asSomebody
        ).wait()
        #expect(process.status == 5 && process.errors.contains(out.path) && !process.errors.contains("Domain="), "\(process.errors)")
    }

    @Test func aTerminalThatClosesEndsAWorkerUnlessNohupForbids() throws {
        let arguments = ["worker", "--connect", "ipc:///tmp/endoked-nobody.sock", "--centre", "a=/tmp"]
        let plain = try EndokedProcess.Running(arguments)
        let deaf = try EndokedProcess.Running(arguments, shell: #"trap '' HUP; exec "$@""#)
        try wait("the workers") { [plain, deaf].allSatisfy { $0.errorsSoFar.contains("worker") } }
        usleep(300_000)
        kill(deaf.process.processIdentifier, SIGHUP)
        kill(plain.process.processIdentifier, SIGHUP)
        let ended = plain.wait()
        #expect(ended.status == 0, "\(ended.errors)")
        #expect(deaf.process.isRunning)
        kill(deaf.process.processIdentifier, SIGTERM)
        #expect(deaf.wait().status == 0)
    }

    /// A message must not go into the file that got the number of a stream that was closed.
    @Test func closedStreamsTakeNothingElse() throws {
        let folder = try TemporaryFolder.make()
        defer { try? FileManager.default.removeItem(at: folder) }
        let archive = folder.appendingPathComponent("archive")
        try tables(at: archive)
        let out = folder.appendingPathComponent("out")
        let pipeline = folder.appendingPathComponent("p.json5")
        try Data("{stages: [{stage: 'catalogue'}, {stage: 'labels'}]}".utf8).write(to: pipeline)
        let process = try EndokedProcess.Running(
            ["run", "--archive", archive.path, "--pipeline", pipeline.path, "--workers", "1", "--out", out.path],
            shell: #"exec "$@" >&- 2>&-"#
        ).wait()
        #expect([0, 3].contains(process.status))
        let lock = try String(contentsOf: out.appendingPathComponent(".endoked-lock"), encoding: .utf8)
        #expect(lock.hasPrefix("process ") && lock.split(separator: "\n").count == 4, "messages went into the lock: \(lock)")
    }
}
