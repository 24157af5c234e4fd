import Digest
import Foundation
import PostgreSQL
import Testing

/// What a centre's files hold stays there: words planted in all of them are looked for in everything that the program
/// says, sends, logs and stores, with tables that can be read and with tables that cannot.
@Suite(.serialized) struct ClusterCanaryTests {
    /// Where `word` stands in `bytes`: as it is, as UTF-16, or in the hexadecimal digits of a dump.
    private static func occurs(_ word: String, in bytes: Data) -> Bool {
        let plain = Data(word.utf8)
        let hexadecimal = Data(plain.map { String(format: "%02x", $0) }.joined().utf8)
        return [plain, word.data(using: .utf16LittleEndian) ?? plain, hexadecimal].contains { holds($0, in: bytes) }
    }

    /// Dumps are large: `memchr` looks through a gigabyte in the time in which `Data.range` sees a few megabytes.
    private static func holds(_ wanted: Data, in bytes: Data) -> Bool {
        bytes.withUnsafeBytes { all in
            wanted.withUnsafeBytes { wanted in
                guard let start = all.baseAddress, let word = wanted.baseAddress, wanted.count > 0 else { return false }
                let first = Int32(wanted[0])
                var at = 0
                while at + wanted.count <= all.count {
                    guard let hit = memchr(start + at, first, all.count - at) else { return false }
                    at = UnsafeRawPointer(hit) - start
                    if at + wanted.count <= all.count, memcmp(start + at, word, wanted.count) == 0 { return true }
                    at += 1
                }
                return false
            }
        }
    }

    private func expectNone(_ words: [String], in bytes: Data, of place: String) {
        for word in words where Self.occurs(word, in: bytes) {
            let shown = bytes.range(of: Data(word.utf8)).map { bytes[max(0, $0.lowerBound - 150)..<min(bytes.count, $0.upperBound + 100)] }
            Issue.record("\(word) stands in \(place): …\(String(decoding: shown ?? Data(), as: UTF8.self))…")
        }
    }

    private func expectNone(_ words: [String], in process: EndokedProcess, of place: String) {
        expectNone(words, in: Data(process.output.utf8), of: place + ", standard output")
        expectNone(words, in: Data(process.errors.utf8), of: place + ", standard error")
    }

    @Test func theSearchFindsWhatIsThere() throws {
        #expect(Self.occurs("QZname", in: Data("a QZname1".utf8)))
        #expect(Self.occurs("QZname", in: Data("515a6e616d65".utf8)))
        #expect(Self.occurs("QZname", in: try #require("xQZname".data(using: .utf16LittleEndian))))
        #expect(!Self.occurs("QZname", in: Data("QZ name".utf8)))
    }

    @Test func noCommandThatReadsFilesQuotesThem() throws {
        let parent = try TemporaryFolder.make()
        defer { try? FileManager.default.removeItem(at: parent) }
        let archive = try CanaryArchive(in: parent)
        let secret = [CanaryArchive.secret]
        for options in [[], ["--json"], ["--decode"]] {
            let check = try EndokedProcess.Running(["archive", "check", archive.folder.path] + options).wait()
            #expect(check.status == 3)
            expectNone(secret, in: check, of: "archive check \(options)")
        }
        for centre in try FileManager.default.contentsOfDirectory(atPath: archive.folder.path).sorted() {
            let folder = archive.folder.appendingPathComponent(centre)
            expectNone(secret, in: try EndokedProcess.run("archive", "check", folder.path), of: "archive check of \(centre)")
            for table in ["reports.jsonl", "reports.csv"] {
                let file = folder.appendingPathComponent(table)
                guard FileManager.default.fileExists(atPath: file.path) else { continue }
                expectNone(secret, in: try EndokedProcess.run("label", file.path), of: "label of \(centre)/\(table)")
                expectNone(secret, in: try EndokedProcess.run("label", file.path, "--score"), of: "label --score of \(centre)")
                expectNone(
                    secret, in: try EndokedProcess.run("submit", "--connect", "tcp://127.0.0.1:9", "--pipeline", file.path),
                    of: "a pipeline that is \(centre)/\(table)")
                expectNone(secret, in: try EndokedProcess.run("checkpoint", file.path), of: "checkpoint of \(centre)/\(table)")
            }
        }
        // A centre alone, whose first line is somebody's findings.
        let broken = archive.folder.appendingPathComponent("broken-csv-no-heading")
        let run = try EndokedProcess.run(
            "run", "--archive", broken.path, "--pipeline", "smoke", "--out", parent.appendingPathComponent("out").path)
        #expect(run.status != 0)
        expectNone(secret, in: run, of: "run")
        let out = parent.appendingPathComponent("out")
        for (file, bytes) in try Self.files(below: out) { expectNone(secret, in: bytes, of: file) }
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

        let secret = [CanaryArchive.secret]
        let all = [CanaryArchive.secret, CanaryArchive.name]
        expectNone(secret, in: submitted, of: "submit --wait")
        expectNone(all, in: text, of: "status")
        expectNone(all, in: json, of: "status --json")
        expectNone(all, in: workerEnd, of: "the worker's log")
        expectNone(all, in: coordinatorEnd, of: "the coordinator's log")
        expectNone(secret, in: results, of: "results")
        expectNone(secret, in: proxy.captured, of: "the wire")
        expectNone(secret, in: dump, of: "the database")
        // Who has a list of names can look for their digests.
        let centres = try FileManager.default.contentsOfDirectory(atPath: archive.folder.path)
        let digests = (0..<6).flatMap { index in
            centres.flatMap { centre in
                let patient = CanaryArchive.secret + "Patient\(index)"
                return [patient, "patient\u{0}\(centre)\u{0}\(patient)"].map { SHA256Digest(hashing: Array($0.utf8)).hex }
            }
        }
        expectNone(digests, in: dump, of: "the database, as a bare digest")
        expectNone(digests, in: proxy.captured, of: "the wire, as a bare digest")
        let log = parent.appendingPathComponent("state/postgres/server.log")
        expectNone(all, in: try Data(contentsOf: log), of: "the database's log")
        for (file, bytes) in try Self.files(below: out) { expectNone(secret, in: bytes, of: file) }

        // The search has looked where something was: rows name studies and images, on the wire, in the database, in results.
        let study = try #require(
            FileManager.default.contentsOfDirectory(atPath: archive.folder.appendingPathComponent("north/studies").path)
                .first { !$0.contains(CanaryArchive.secret) })
        #expect(Self.occurs(study, in: proxy.captured) && Self.occurs(study, in: dump))
        #expect(Self.occurs(CanaryArchive.name, in: try Data(contentsOf: out.appendingPathComponent("items.csv"))))
    }

    private static func files(below folder: URL) throws -> [(String, Data)] {
        let walk = FileManager.default.enumerator(at: folder, includingPropertiesForKeys: [.isRegularFileKey])
        return (walk?.allObjects ?? []).compactMap { $0 as? URL }.compactMap { url in
            guard (try? url.resourceValues(forKeys: [.isRegularFileKey]).isRegularFile) == true,
                let bytes = try? Data(contentsOf: url)
            else { return nil }
            return (url.path, bytes)
        }
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
