import Foundation
import Testing

/// `endoked run` with real processes, PostgreSQL and sockets, on a small synthetic archive with broken files in it.
@Suite(.serialized) struct RunTests {
    private static let tables = [
        "studies.csv", "report-labels.csv", "bag-scores.csv", "image-scores.csv", "boxes.csv", "items.csv", "rounds.csv",
        "evaluations.csv",
    ]

    /// Two centres; one image cut short, one that is text, one empty, one bag without images.
    private func archive(in folder: URL) throws -> URL {
        let archive = folder.appendingPathComponent("archive")
        let made = try EndokedProcess.run("synth", archive.path, "--seed", "5", "--studies", "12", "--centres", "2")
        try #require(made.status == 0, "\(made.errors)")
        let manager = FileManager.default
        let centre = try manager.contentsOfDirectory(at: archive, includingPropertiesForKeys: nil)
            .sorted { $0.path < $1.path }[0]
        let studies = try manager.contentsOfDirectory(
            at: centre.appendingPathComponent("studies"), includingPropertiesForKeys: nil
        ).sorted { $0.path < $1.path }
        let first = studies[0].appendingPathComponent("01.jpg")
        try Data(contentsOf: first).prefix(1500).write(to: first)
        try Data("not a picture".utf8).write(to: studies[1].appendingPathComponent("02.png"))
        try Data().write(to: studies[2].appendingPathComponent("01.jpg"))
        for image in try manager.contentsOfDirectory(at: studies[3], includingPropertiesForKeys: nil) {
            try manager.removeItem(at: image)
        }
        return archive
    }

    private static func pictures(_ out: URL, _ kind: String) -> [String] {
        (FileManager.default.enumerator(atPath: out.appendingPathComponent(kind).path)?.compactMap { $0 as? String } ?? [])
            .filter { $0.hasSuffix(".png") }.sorted()
    }

    private func run(_ archive: URL, to out: URL, _ more: String...) throws -> EndokedProcess.Running {
        try .init(["run", "--archive", archive.path, "--pipeline", "smoke", "--out", out.path] + more)
    }

    @Test func brokenFilesAreListedAndTheRestIsDone() throws {
        let folder = try TemporaryFolder.make()
        defer { try? FileManager.default.removeItem(at: folder) }
        let archive = try archive(in: folder)
        let check = try EndokedProcess.run("archive", "check", archive.path)
        #expect(check.status == 3)

        let calm = folder.appendingPathComponent("calm")
        let first = try run(archive, to: calm, "--workers", "1").wait()
        #expect(first.status == 3, "\(first.errors)")
        for table in Self.tables {
            let rows = try String(contentsOf: calm.appendingPathComponent(table), encoding: .utf8).split(separator: "\n")
            #expect(rows.count > 1, "\(table) is empty")
        }
        let items = try String(contentsOf: calm.appendingPathComponent("items.csv"), encoding: .utf8)
        #expect(items.contains("01.jpg") && items.contains("02.png"))
        // The workers kept the overlays, and the results have them: one a heat map.
        let (overlays, maps) = (Self.pictures(calm, "overlays"), Self.pictures(calm, "cams"))
        #expect(!overlays.isEmpty && overlays == maps)
        #expect(FileManager.default.fileExists(atPath: calm.appendingPathComponent("models/mil-train.safetensors").path))

        // The same with two workers, of which one is killed again and again, and a coordinator that is killed once.
        let storm = folder.appendingPathComponent("storm")
        let running = try run(archive, to: storm, "--workers", "2")
        var kills = 0
        var coordinatorDied = false
        while running.process.isRunning {
            usleep(1_500_000)
            if kills == 2, !coordinatorDied, let coordinator = running.children("coordinator").first {
                kill(coordinator, SIGKILL)
                coordinatorDied = true
            } else if kills < 5, let worker = running.children("worker").min() {
                // The oldest one, so that they take turns: one that died five times soon after its start is given up.
                kill(worker, SIGKILL)
                kills += 1
            }
        }
        let second = running.wait()
        #expect(second.status == 3, "\(second.errors)")
        #expect(kills >= 3 && coordinatorDied)
        for table in Self.tables + ["models/mil-train.safetensors"] {
            let same =
                try Data(contentsOf: calm.appendingPathComponent(table))
                == Data(contentsOf: storm.appendingPathComponent(table))
            #expect(same, "\(table) differs after workers and the coordinator were killed")
        }
    }

    @Test(.enabled(if: SmallDisk.isPossible, "only root, outside a sandbox, can mount the small disk that this test fills"))
    func resultsGoToAFullDiskWithOneMessage() throws {
        let folder = try TemporaryFolder.make()
        defer { try? FileManager.default.removeItem(at: folder) }
        let disk = folder.appendingPathComponent("disk")
        try #require(SmallDisk.mount(at: disk))
        defer { SmallDisk.unmount(disk) }
        let input = folder.appendingPathComponent("reports.jsonl")
        let line = #"{"id": "a", "text": "One 5 mm sessile polyp in the sigmoid."}"# + "\n"
        try Data(String(repeating: line, count: 4000).utf8).write(to: input)
        let process = try EndokedProcess.run("label", input.path, "--out", disk.appendingPathComponent("l.jsonl").path)
        #expect(process.status == 1 || process.status == 5)
        #expect(process.errors.contains("l.jsonl"))
        #expect(try FileManager.default.contentsOfDirectory(atPath: disk.path).isEmpty)
    }
}

/// A disk of 64 KiB in memory.
private enum SmallDisk {
    static let isPossible: Bool = {
        guard getuid() == 0, let folder = try? TemporaryFolder.make() else { return false }
        defer { try? FileManager.default.removeItem(at: folder) }
        guard mount(at: folder) else { return false }
        unmount(folder)
        return true
    }()

    static func mount(at folder: URL) -> Bool {
        try? FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        return shell("mount -t tmpfs -o size=64k tmpfs '\(folder.path)'") == 0
    }

    static func unmount(_ folder: URL) { _ = shell("umount '\(folder.path)'") }

    private static func shell(_ command: String) -> Int32 {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = ["-c", command]
        process.standardError = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return -1 }
        process.waitUntilExit()
        return process.terminationStatus
    }
}
