import Foundation
import TestSupport
import Testing

@Suite struct CommandLineTests {
    @Test func everyCommandHasHelp() throws {
        let overview = try EndokedProcess.run("--help")
        #expect(overview.status == 0)
        let names = overview.output.split(separator: "\n").filter { $0.hasPrefix("  ") }.map { line in
            line.dropFirst(2).components(separatedBy: "  ")[0]
        }
        #expect(names.count >= 12)
        for name in names {
            let process = try EndokedProcess.Running(name.split(separator: " ").map(String.init) + ["--help"]).wait()
            #expect(process.status == 0, "\(name)")
            #expect(process.output.contains("usage: endoked \(name)"), "\(name)")
        }
    }

    /// A processor without VNNI, as oneDNN is told to take this one for.
    @Test func eightBitsAreRefusedWhereTheyWouldNotBeExact() throws {
        let folder = try TemporaryFolder.make()
        defer { try? FileManager.default.removeItem(at: folder) }
        let made = try EndokedProcess.run("synth", folder.path, "--seed", "2", "--studies", "1", "--centres", "1")
        try #require(made.status == 0, "\(made.errors)")
        for isa in ["AVX2", "AVX512_CORE"] {
            let process = try EndokedProcess.run(
                "bench", "int8", "--network", "mil", "--images", folder.path, "--limit", "1", "--size", "64",
                environment: ["DNNL_MAX_CPU_ISA": isa])
            #expect(process.status == 5, "\(isa): \(process.output)")
            #expect(process.errors.contains("does not multiply 8-bit numbers exactly: use bf16 or fp32"), "\(process.errors)")
        }
    }

    /// A processor without bf16, as oneDNN is told to take this one for: said before anything is begun, with the way out.
    @Test func aPipelineInBFloat16IsRefusedWhereTheProcessorHasNone() throws {
        let folder = try TemporaryFolder.make()
        defer { try? FileManager.default.removeItem(at: folder) }
        let plain = ["DNNL_MAX_CPU_ISA": "AVX512_CORE", "ENDOKED_EMULATE_BF16": "0"]
        let refused = try EndokedProcess.run(
            "run", "--archive", folder.path, "--pipeline", "toco", "--out", folder.appendingPathComponent("out").path,
            environment: plain)
        #expect(refused.status == 5, "\(refused.errors)")
        #expect(refused.errors.contains("does not multiply bf16, which the pipeline asks for in mil-train, "), "\(refused.errors)")
        let shown = try EndokedProcess.run("run", "--show-pipeline", "--pipeline", "toco", environment: plain)
        let file = folder.appendingPathComponent("fp32.json5")
        try shown.output.replacingOccurrences(of: "bf16", with: "fp32").write(to: file, atomically: true, encoding: .utf8)
        // What the message says to do gets past it, to the archive, which is none.
        let other = try EndokedProcess.run(
            "run", "--archive", folder.path, "--pipeline", file.path, "--out", folder.appendingPathComponent("out").path,
            environment: plain)
        #expect(other.status != 0 && !other.errors.contains("bf16"), "\(other.errors)")
    }

    /// What threads wait by is in the environment of a program that computes, unless somebody has decided.
    @Test(arguments: [["GOMP_SPINCOUNT": "77"], ["OMP_WAIT_POLICY": "passive"], [:]])
    func programsThatComputeSpinBriefly(given: [String: String]) throws {
        let worker = try EndokedProcess.Running(
            ["worker", "--connect", "tcp://127.0.0.1:9", "--centre", "a=/tmp"], environment: given)
        defer {
            worker.process.terminate()
            _ = worker.wait()
        }
        func environment() -> [Substring] {
            let bytes = FileManager.default.contents(atPath: "/proc/\(worker.process.processIdentifier)/environ") ?? Data()
            return String(decoding: bytes, as: UTF8.self).split(separator: "\0").filter {
                $0.hasPrefix("GOMP_SPINCOUNT=") || $0.hasPrefix("OMP_WAIT_POLICY=")
            }
        }
        let wanted = given.isEmpty ? ["GOMP_SPINCOUNT=2000"] : given.map { "\($0.key)=\($0.value)" }
        let deadline = Date.now + 20
        while environment().map(String.init) != wanted, .now < deadline { Thread.sleep(forTimeInterval: 0.02) }
        #expect(environment().map(String.init) == wanted)
    }

    @Test func whatCannotBeUnderstoodIsExitCodeTwo() throws {
        let command = try EndokedProcess.run("rnu")
        #expect(command.status == 2)
        #expect(command.errors.contains("did you mean 'run'?"))
        let option = try EndokedProcess.run("run", "--archvie", "x")
        #expect(option.status == 2)
        #expect(option.errors.contains("did you mean --archive?"))
        #expect(try EndokedProcess.run("worker").errors.contains("--connect is missing"))
        #expect(try EndokedProcess.run("run", "--archive", "/", "--workers", "0").status == 2)
        #expect(try EndokedProcess.run("submit", "--connect", "ws://x:1").status == 2)
        let network = try EndokedProcess.run("calibrate", "--network", "sam", "--weights", "w", "--images", ".", "--out", "o")
        #expect(network.status == 2)
        #expect(network.errors.contains("other networks have no int8 path"))
        let weights = try EndokedProcess.run(
            "calibrate", "--network", "mil", "--weights", "/no/weights", "--images", "/", "--out", "/tmp/never")
        #expect(weights.status == 5 && weights.errors.contains("/no/weights"))
    }

    @Test func whatIsMissingIsExitCodeFive() throws {
        let archive = try EndokedProcess.run("archive", "check", "/no/such/folder")
        #expect(archive.status == 5)
        #expect(archive.errors.contains("/no/such/folder"))
        let database = try EndokedProcess.run(
            "status", "--database", "host=/no/such/socket dbname=x user=y password=secret-canary")
        #expect(database.status == 5)
        #expect(!database.errors.contains("secret-canary"))
    }

    /// A folder that is not there may be a disk that is mounted later, or a slip: it is said at once, wherever the log goes.
    @Test func aWorkerWaitsForItsCentresFolderAndSaysSoAtOnce() throws {
        let folder = try TemporaryFolder.make()
        defer { try? FileManager.default.removeItem(at: folder) }
        let (north, log) = (folder.appendingPathComponent("nroth"), folder.appendingPathComponent("worker.log"))
        let worker = try EndokedProcess.Running([
            "worker", "--connect", "tcp://127.0.0.1:9", "--centre", "north=\(north.path)", "--heartbeat", "0.2", "--lease", "1",
            "--log-file", log.path,
        ])
        func wait(until isSo: () -> Bool) {
            let deadline = Date.now + 20
            while !isSo(), worker.process.isRunning, .now < deadline { Thread.sleep(forTimeInterval: 0.05) }
        }
        func logged(_ word: String) -> Bool {
            ((try? String(contentsOf: log, encoding: .utf8)) ?? "").split(separator: "\n").contains {
                $0.contains(word) && $0.contains("centre=north")
            }
        }
        wait { worker.errorsSoFar.contains("\n") && logged("centre.away") }
        #expect(worker.errorsSoFar.contains("centre north: there is no folder \(north.path) (mistyped"), "\(worker.errorsSoFar)")
        #expect(worker.errorsSoFar.contains("waiting for it") && logged("centre.away") && worker.process.isRunning)
        try FileManager.default.createDirectory(at: north, withIntermediateDirectories: true)
        try Data().write(to: north.appendingPathComponent("reports.jsonl"))
        wait { logged("centre.back") }
        #expect(logged("centre.back"))
        worker.process.terminate()
        #expect(worker.wait().status == 0)

        // What no disk can mend is refused as before: a file, a path through a file, an archive whose centres have no names yet.
        let file = folder.appendingPathComponent("file")
        try Data().write(to: file)
        for words in [
            ["--centre", "north=\(file.path)"], ["--centre", "north=\(file.path)/north"],
            ["--archive", folder.appendingPathComponent("away").path],
        ] {
            let refused = try EndokedProcess.Running(["worker", "--connect", "tcp://127.0.0.1:9"] + words).wait()
            #expect(refused.status == 5 && refused.errors.contains("there is no folder \(folder.path)/"), "\(refused.errors)")
        }
    }

    @Test func aCoordinatorThatIsNowhereIsNotWaitedFor() throws {
        let missing = "tcp://no-such-host.invalid:5570"
        for words in [
            ["worker", "--connect", missing, "--centre", "a=/tmp", "--allow-plaintext"], ["status", "--connect", missing],
            ["submit", "--connect", missing, "--centre", "a"], ["cancel", "3", "--connect", missing],
            ["coordinator", "--database", "dbname=x", "--listen", missing, "--allow-plaintext"],
        ] {
            let process = try EndokedProcess.Running(words).wait()
            #expect(process.status == 5 && process.errors.contains("the name no-such-host.invalid is not known here"), "\(process.errors)")
        }
        let port = try EndokedProcess.run("worker", "--connect", "tcp://localhost:99999", "--centre", "a=/tmp")
        #expect(port.status == 2 && port.errors.contains("the port must be 1 to 65535"), "\(port.errors)")
        let star = try EndokedProcess.run("worker", "--connect", "tcp://*:5570", "--centre", "a=/tmp")
        #expect(star.status == 2 && star.errors.contains("* is for listening"), "\(star.errors)")
    }

    /// The batch script with the environments that are documented, with the program itself.
    @Test(arguments: ["slurm", "systemd"])
    func theBatchScriptStartsAWorker(example: String) throws {
        let folder = try TemporaryFolder.make()
        defer { try? FileManager.default.removeItem(at: folder) }
        let deploy = URL(fileURLWithPath: #filePath).appendingPathComponent("../../../deploy").standardizedFileURL
        let text = try String(contentsOf: deploy.appendingPathComponent("\(example)/worker.env.example"), encoding: .utf8)
        var environment = ["SLURM_CPUS_ON_NODE": "1", "SLURM_JOB_ID": "77"]
        for line in text.split(separator: "\n") where !line.hasPrefix("#") {
            let parts = line.split(separator: "=", maxSplits: 1).map(String.init)
            environment[parts[0]] = parts[1].trimmingCharacters(in: ["\""]).replacingOccurrences(of: "/data/north", with: folder.path)
        }
        let log = folder.appendingPathComponent("worker.log")
        environment["ENDOKED_COORDINATOR"] = "tcp://127.0.0.1:9"
        environment["ENDOKED_OPTIONS", default: ""] += " --log debug --log-file \(log.path)"
        environment["PATH"] = EndokedProcess.program.deletingLastPathComponent().path + ":/usr/bin:/bin"
        let script = Process()
        script.executableURL = URL(fileURLWithPath: "/bin/bash")
        script.arguments = [deploy.appendingPathComponent("slurm/worker.sbatch").path]
        script.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        let errors = folder.appendingPathComponent("errors")
        _ = FileManager.default.createFile(atPath: errors.path, contents: nil)
        script.standardError = try FileHandle(forWritingTo: errors)
        // Tests run on threads that take no signals, and children begin with the mask of theirs: the shell would never hear any.
        var (none, before) = (sigset_t(), sigset_t())
        sigemptyset(&none)
        pthread_sigmask(SIG_SETMASK, &none, &before)
        defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
        try script.run()
        let deadline = Date.now + 20
        func written() -> String { (try? String(contentsOf: log, encoding: .utf8)) ?? "" }
        while !written().contains("worker."), script.isRunning, .now < deadline { Thread.sleep(forTimeInterval: 0.05) }
        script.terminate()
        script.waitUntilExit()
        let said = try String(contentsOf: errors, encoding: .utf8)
        #expect(script.terminationStatus == 0 && said.isEmpty, "\(script.terminationStatus): \(said)")
        #expect(written().contains("worker=slurm-77 slots=\(example == "slurm" ? 1 : 8)"), "\(written())")
    }

    @Test func anAddressThatOthersReachNeedsAWord() throws {
        let open = try EndokedProcess.run("coordinator", "--database", "dbname=x", "--listen", "tcp://0.0.0.0:5599")
        #expect(open.status == 5)
        #expect(open.errors.lowercased().contains("plaintext"))
    }

    /// A former run's networks are named by their folder; without it, nothing starts.
    @Test func inferenceNeedsTheModelsOfAFormerRun() throws {
        let folder = try TemporaryFolder.make()
        defer { try? FileManager.default.removeItem(at: folder) }
        let none = try EndokedProcess.run("run", "--archive", folder.path, "--pipeline", "inference", "--out", folder.path + "/out")
        #expect(none.status == 2 && none.errors.contains("--models"))
        let shown = try EndokedProcess.run("run", "--pipeline", "inference", "--show-pipeline")
        #expect(shown.status == 0 && shown.output.contains("models/mil-train.safetensors"))
    }

    @Test func pipelinesAreCheckedBeforeAnythingStarts() throws {
        let folder = try TemporaryFolder.make()
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appendingPathComponent("p.json5")
        try Data("{stages: [{stage: 'mil-train', learningrate: 1}]}".utf8).write(to: file)
        let process = try EndokedProcess.run("run", "--archive", folder.path, "--pipeline", file.path)
        #expect(process.status == 5)
        #expect(process.errors.contains("learningrate"))
        let shown = try EndokedProcess.run("run", "--show-pipeline", "--pipeline", "smoke")
        #expect(shown.status == 0 && shown.output.contains("mil-train"))
    }

    @Test func labelsAnswerLineByLine() throws {
        let folder = try TemporaryFolder.make()
        defer { try? FileManager.default.removeItem(at: folder) }
        let input = folder.appendingPathComponent("reports.jsonl")
        var lines = Data(#"{"id": "a", "text": "One 5 mm sessile polyp in the sigmoid, cold snare."}"#.utf8)
        lines.append(0x0A)
        lines.append(contentsOf: Array("{\"id\": \"b\", \"text\": broken canary-report\n".utf8))
        lines.append(contentsOf: [0x7B, 0xFF, 0xFE, 0x0A])
        lines.append(contentsOf: Array(#"{"id": "d", "text": "Complete colonoscopy. No polyps."}"#.utf8))
        try lines.write(to: input)
        let output = folder.appendingPathComponent("labels.jsonl")
        let process = try EndokedProcess.run("label", input.path, "--out", output.path)
        #expect(process.status == 3)
        #expect(!process.errors.contains("canary-report"))
        let answers = try String(contentsOf: output, encoding: .utf8).split(separator: "\n")
        try #require(answers.count == 4)
        let first = try #require(JSONSerialization.jsonObject(with: Data(answers[0].utf8)) as? [String: Any])
        #expect(first["id"] as? String == "a" && first["polyp"] as? String == "yes" && first["count"] as? Int == 1)
        #expect(answers[1].contains("error") && answers[2].contains("error") && !answers[1].contains("canary"))
        #expect(answers[3].contains(#""polyp":"no""#))
    }

    @Test(.enabled(if: SharedFolder.isPresent, Comment(rawValue: SharedFolder.whySkipped)))
    func selftestAgreesAndCanFail() throws {
        let golden = try #require(SharedFolder.url).appendingPathComponent("golden").path
        let same = try EndokedProcess.run("selftest", golden, "--quiet")
        #expect(same.status == 0, "\(same.output)")
        for name in ["resnet18", "mil_heads", "metrics", "image_ops"] { #expect(same.output.contains("equal  \(name)")) }
        let other = try EndokedProcess.run("selftest", golden, "--quiet", "--input-suffix", ".x")
        #expect(other.status == 1)
        #expect(other.output.contains("DIFFERS  resnet18") && other.output.contains("DIFFERS  mil_heads"))
    }
}
