import Digest
import Foundation
import PostgreSQL
import Testing

/// What a centre's files hold stays there: words planted in all of them are looked for in everything that the program
/// says, sends, logs and stores, with tables that can be read and with tables that cannot.
@Suite(.serialized) struct ClusterCanaryTests {
    @Test func theSearchFindsWhatIsThere() throws {
        #expect(CanarySearch.occurs("QZname", in: Data("a QZname1".utf8)))
        #expect(CanarySearch.occurs("QZname", in: Data("515a6e616d65".utf8)))
        #expect(CanarySearch.occurs("QZname", in: try #require("xQZname".data(using: .utf16LittleEndian))))
        #expect(!CanarySearch.occurs("QZname", in: Data("QZ name".utf8)))
    }

    @Test func noCommandThatReadsFilesQuotesThem() throws {
        let parent = try TemporaryFolder.make()
        defer { try? FileManager.default.removeItem(at: parent) }
        let archive = try CanaryArchive(in: parent)
        let secret = CanarySearch([CanaryArchive.secret])
        for options in [[], ["--json"], ["--decode"]] {
            let check = try EndokedProcess.Running(["archive", "check", archive.folder.path] + options).wait()
            #expect(check.status == 3)
            secret.expectNone(in: check, of: "archive check \(options)")
        }
        for centre in try FileManager.default.contentsOfDirectory(atPath: archive.folder.path).sorted() {
            let folder = archive.folder.appendingPathComponent(centre)
            secret.expectNone(in: try EndokedProcess.run("archive", "check", folder.path), of: "archive check of \(centre)")
            for table in ["reports.jsonl", "reports.csv"] {
                let file = folder.appendingPathComponent(table)
                guard FileManager.default.fileExists(atPath: file.path) else { continue }
                secret.expectNone(in: try EndokedProcess.run("label", file.path), of: "label of \(centre)/\(table)")
                secret.expectNone(in: try EndokedProcess.run("label", file.path, "--score"), of: "label --score of \(centre)")
                secret.expectNone(
                    in: try EndokedProcess.run("submit", "--connect", "tcp://127.0.0.1:9", "--pipeline", file.path),
                    of: "a pipeline that is \(centre)/\(table)")
                secret.expectNone(in: try EndokedProcess.run("checkpoint", file.path), of: "checkpoint of \(centre)/\(table)")
            }
        }
        // A centre alone, whose first line is somebody's findings.
        let broken = archive.folder.appendingPathComponent("broken-csv-no-heading")
        let run = try EndokedProcess.run(
            "run", "--archive", broken.path, "--pipeline", "smoke", "--out", parent.appendingPathComponent("out").path)
        #expect(run.status != 0)
        secret.expectNone(in: run, of: "run")
        let out = parent.appendingPathComponent("out")
        for (file, bytes) in try CanarySearch.files(below: out) { secret.expectNone(in: bytes, of: file) }
    }

    /// Two hosts: all that crosses the wire between them, what both log, what the database holds and logs.
    @Test(.timeLimit(.minutes(10))) func nothingLeavesTheCentreInAJob() throws {
        let parent = try TemporaryFolder.make()
        defer { try? FileManager.default.removeItem(at: parent) }
        let archive = try CanaryArchive(in: parent)
        let server = try PrivateServer(stateFolder: parent.appendingPathComponent("state"))
        let database = try server.start()
        defer { try? server.stop() }

        let port = UInt16.random(in: 20_000...40_000)
        let proxy = try RecordingProxy(target: port)
        defer { proxy.stop() }
        let direct = "tcp://127.0.0.1:\(port)"
        let watched = "tcp://127.0.0.1:\(proxy.port)"
        let coordinator = try EndokedProcess.Running(
            ["coordinator", "--database", database, "--listen", direct, "--log", "debug"])
        let worker = try EndokedProcess.Running(
            ["worker", "--connect", watched, "--archive", archive.folder.path, "--slots", "2", "--log", "debug"])
        let submitted = try EndokedProcess.run(
            "submit", "--connect", watched, "--archive", archive.folder.path, "--pipeline", "smoke", "--wait")
        #expect(submitted.status == 3, "\(submitted.errors)")
        let text = try EndokedProcess.run("status", "--connect", watched)
        let json = try EndokedProcess.run("status", "--connect", watched, "--json")
        let out = parent.appendingPathComponent("results")
        let results = try EndokedProcess.run("results", "--database", database, "--out", out.path)
        #expect(results.status == 3 || results.status == 0, "\(results.errors)")
        let dump = try Self.dump(database)
        worker.process.terminate()
        let workerEnd = worker.wait()
        coordinator.process.terminate()
        let coordinatorEnd = coordinator.wait()

        let secret = CanarySearch([CanaryArchive.secret])
        let all = CanarySearch([CanaryArchive.secret, CanaryArchive.name])
        secret.expectNone(in: submitted, of: "submit --wait")
        all.expectNone(in: text, of: "status")
        all.expectNone(in: json, of: "status --json")
        all.expectNone(in: workerEnd, of: "the worker's log")
        all.expectNone(in: coordinatorEnd, of: "the coordinator's log")
        secret.expectNone(in: results, of: "results")
        secret.expectNone(in: proxy.captured, of: "the wire")
        secret.expectNone(in: dump, of: "the database")
        // Who has a list of names can look for their digests.
        let centres = try FileManager.default.contentsOfDirectory(atPath: archive.folder.path)
        let digests = (0..<6).flatMap { index in
            centres.flatMap { centre in
                let patient = CanaryArchive.secret + "Patient\(index)"
                return [patient, "patient\u{0}\(centre)\u{0}\(patient)"].map { SHA256Digest(hashing: Array($0.utf8)).hex }
            }
        }
        CanarySearch(digests).expectNone(in: dump, of: "the database, as a bare digest")
        CanarySearch(digests).expectNone(in: proxy.captured, of: "the wire, as a bare digest")
        let log = parent.appendingPathComponent("state/postgres/server.log")
        all.expectNone(in: try Data(contentsOf: log), of: "the database's log")
        for (file, bytes) in try CanarySearch.files(below: out) { secret.expectNone(in: bytes, of: file) }

        // The search has looked where something was: rows name studies and images, on the wire, in the database, in results.
        let study = try #require(
            FileManager.default.contentsOfDirectory(atPath: archive.folder.appendingPathComponent("north/studies").path)
                .first { !$0.contains(CanaryArchive.secret) })
        #expect(CanarySearch.occurs(study, in: proxy.captured) && CanarySearch.occurs(study, in: dump))
        #expect(CanarySearch.occurs(CanaryArchive.name, in: try Data(contentsOf: out.appendingPathComponent("items.csv"))))
    }

    /// All rows of all tables; large contents in hexadecimal digits.
    private static func dump(_ database: String) throws -> Data {
        let folder = try TemporaryFolder.make()
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appendingPathComponent("dump")
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["pg_dump", "--dbname", database, "--file", file.path]
        try process.run()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0, "pg_dump failed")
        return try Data(contentsOf: file, options: .alwaysMapped)
    }
}
