import Cluster
import Foundation
import Ledger
import Stages
import Synchronization
import Testing

/// Trouble of a worker's host: archives that are away or another centre's, slots that do not return.
@Suite(.serialized) struct HostTroubleTests {
    /// Catalogues the one image that the test's archives hold, and then reads it again and again.
    struct ToyArchiveStage: Stage {
        let name: String
        var shards = 1
        var pause: Duration = .zero
        /// Of each centre, in the catalogue.
        var fingerprint: Data?
        var onMap: @Sendable (String) -> Void = { _ in }

        func plan(round: Int, settings: StageSettings, view: any PlanningView) throws -> [ShardPlan] {
            view.centres.flatMap { centre in
                (0..<shards).map { index in
                    ShardPlan(
                        key: "\(centre)/\(index)", centre: centre,
                        input: Data("{\"items\":[{\"study\":\"s\",\"image\":\"1.png\"}]}".utf8))
                }
            }
        }

        func map(_ shard: ShardInput, context: any MapContext) throws -> ShardOutput {
            let centre = shard.centre ?? ""
            let image = try context.archiveFolder(ofCentre: centre).appendingPathComponent("studies/s/1.png")
            onMap(shard.key)
            let deadline = ContinuousClock.now + pause
            while ContinuousClock.now < deadline { Thread.sleep(forTimeInterval: 0.005) }
            // Most stages report what they cannot read and go on: what they come to then looks like a success.
            guard FileManager.default.fileExists(atPath: image.path) else {
                return ShardOutput(rows: [
                    .item(
                        .init(
                            centre: centre, study: "s", image: "1.png", status: "failed", reason: "not-found",
                            message: "1.png: there is no such file"))
                ])
            }
            return ShardOutput()
        }

        func reduce(
            round: Int, records: [Stages.ShardRecord], settings: StageSettings, view: any PlanningView
        ) throws -> RoundOutcome {
            guard let fingerprint else { return RoundOutcome() }
            return RoundOutcome(fingerprints: Dictionary(uniqueKeysWithValues: view.centres.map { ($0, fingerprint) }))
        }
    }

    static let fingerprint = Data(#"{"items":[{"study":"s","image":"1.png","size":5}],"studies":[]}"#.utf8)
    static let pipeline = #"{ stages: [ { stage: "toy-catalogue" }, { stage: "toy-read" } ] }"#

    static func put(_ text: String, in folder: URL) throws {
        let file = folder.appendingPathComponent("studies/s/1.png")
        try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: file)
    }

    @Test func anArchiveThatIsAwayForAWhileCostsNoShardAnAttemptAndLosesNoResult() throws {
        let begun = Mutex(0)
        let count: @Sendable (String) -> Void = { _ in begun.withLock { $0 += 1 } }
        let cluster = try TestCluster([
            ToyArchiveStage(name: "toy-catalogue", fingerprint: Self.fingerprint),
            ToyArchiveStage(name: "toy-read", shards: 8, pause: .milliseconds(250), onMap: count),
        ])
        try Self.put("image", in: cluster.archive)
        try cluster.addWorker("a", centres: ["north"])
        let job = try cluster.submit(Self.pipeline, centres: ["north"])
        try cluster.wait("shards at work") { begun.withLock { $0 } >= 3 }
        let elsewhere = cluster.archive.appendingPathExtension("away")
        try FileManager.default.moveItem(at: cluster.archive, to: elsewhere)
        defer { try? FileManager.default.removeItem(at: elsewhere) }
        // Status and log say why it stands.
        try cluster.wait("the worker's trouble in status") {
            let status = try cluster.ledger.status(job: job)
            return status.workers.first?.troubles.first?.reason == "its folder is not there"
                && status.jobs.first?.waits.contains { $0.kind == "centre" && $0.message.contains("not there") } == true
        }
        try cluster.wait("the log") { cluster.lines.count("job.waits") == 1 }
        #expect(cluster.lines.count("centre.away") == 1)
        try cluster.wait("what ran to go back") { try cluster.ledger.counts(job: job, stage: "toy-read").leased == 0 }
        // An empty folder, as an unmounted disk leaves it, is no archive either.
        try FileManager.default.createDirectory(at: cluster.archive, withIntermediateDirectories: true)
        try cluster.wait("the other reason") {
            try cluster.ledger.workers().first?.troubles.first?.reason.contains("empty") == true
        }
        try FileManager.default.removeItem(at: cluster.archive)
        try FileManager.default.moveItem(at: elsewhere, to: cluster.archive)
        #expect(try cluster.waitForEnd(job).state == .complete)
        let counts = try cluster.ledger.counts(job: job, stage: "toy-read")
        #expect(counts.done == 8 && counts.taskErrors == 0 && counts.losses == 0)
        #expect(try cluster.ledger.itemStatuses(job: job, stage: "toy-read").isEmpty)
        #expect(cluster.lines.count("centre.back") == 1)
        try cluster.wait("the end of the trouble") { try cluster.ledger.workers().first?.troubles == [] }
    }

    @Test func aWorkerThatIsStartedBeforeItsArchiveIsThereWaitsForItAndServesTheOthers() throws {
        let begun = Mutex<[String]>([])
        let note: @Sendable (String) -> Void = { key in begun.withLock { $0.append(key) } }
        let cluster = try TestCluster([
            ToyArchiveStage(name: "toy-catalogue", fingerprint: Self.fingerprint, onMap: note),
            ToyArchiveStage(name: "toy-read", shards: 4),
        ])
        try Self.put("image", in: cluster.archive)
        let north = cluster.archive.appendingPathExtension("north")
        defer { try? FileManager.default.removeItem(at: north) }
        let worker = try cluster.addWorker("a", folders: ["north": north, "south": cluster.archive])
        let job = try cluster.submit(Self.pipeline)
        try cluster.wait("the centre that is there") {
            try cluster.ledger.counts(job: job, stage: "toy-catalogue").done == 1
        }
        try cluster.wait("status and log to say what is waited for") {
            let status = try cluster.ledger.status(job: job)
            let trouble = status.workers.first?.troubles.first
            return trouble?.centre == "north" && trouble?.reason == "its folder is not there"
                && status.jobs.first?.waits.contains { $0.kind == "centre" && $0.centre == "north" } == true
                && cluster.lines.count("centre.away") == 1
        }
        // Not one was given to it to be given back.
        #expect(begun.withLock { $0 } == ["south/0"] && worker.counters().stopped == 0)
        let counts = try cluster.ledger.counts(job: job, stage: "toy-catalogue")
        #expect(counts.done == 1 && counts.leased == 0)
        // An empty folder, as a place to mount a disk at, is no archive yet.
        try FileManager.default.createDirectory(at: north, withIntermediateDirectories: true)
        try cluster.wait("the other reason") {
            try cluster.ledger.workers().first?.troubles.first?.reason.contains("empty") == true
        }
        // Whole at once: what is copied bit by bit would be read in part.
        let copied = cluster.archive.appendingPathExtension("copied")
        try FileManager.default.copyItem(at: cluster.archive, to: copied)
        try FileManager.default.removeItem(at: north)
        try FileManager.default.moveItem(at: copied, to: north)
        #expect(try cluster.waitForEnd(job).state == .complete)
        for stage in ["toy-catalogue", "toy-read"] {
            let counts = try cluster.ledger.counts(job: job, stage: stage)
            #expect(counts.done == (stage == "toy-read" ? 8 : 2) && counts.taskErrors == 0 && counts.losses == 0)
        }
        #expect(cluster.lines.count("centre.back") == 1)
        try cluster.wait("the end of the trouble") { try cluster.ledger.workers().first?.troubles == [] }
    }

    @Test func aFileThatIsReallyGoneIsItsItemsFailureAlone() throws {
        let missing = Data(
            #"{"items":[{"study":"s","image":"1.png","size":5},{"study":"t","image":"2.png","size":5}],"studies":[]}"#.utf8)
        let cluster = try TestCluster([
            ToyArchiveStage(name: "toy-catalogue", fingerprint: missing), ToyArchiveStage(name: "toy-read"),
        ])
        let other = cluster.archive.appendingPathComponent("studies/t/2.png")
        try FileManager.default.createDirectory(at: other.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data("image".utf8).write(to: other)
        try cluster.addWorker("a", centres: ["north"])
        let job = try cluster.submit(Self.pipeline, centres: ["north"])
        #expect(try cluster.waitForEnd(job).state == .partial)
        #expect(try cluster.ledger.counts(job: job, stage: "toy-read").done == 1)
        #expect(try cluster.ledger.itemStatuses(job: job, stage: "toy-read").map(\.reason) == ["not-found"])
    }

    @Test func aWorkerWithAnotherArchiveTakesNoneOfTheJobsShards() throws {
        let gate = Gate()
        let cluster = try TestCluster([
            ToyArchiveStage(name: "toy-catalogue", fingerprint: Self.fingerprint) { _ in gate.pass() },
            ToyArchiveStage(name: "toy-read", shards: 6, pause: .milliseconds(100)),
        ])
        try Self.put("image", in: cluster.archive)
        try cluster.addWorker("right", slots: 1, centres: ["north"])
        let job = try cluster.submit(Self.pipeline, centres: ["north"])
        try cluster.wait("the catalogue at the right one") { gate.arrived == 1 }
        // Another centre's folder under the same name, with an image of the same name.
        let wrong = cluster.archive.appendingPathExtension("wrong")
        defer { try? FileManager.default.removeItem(at: wrong) }
        try Self.put("another centre's", in: wrong)
        try Data().write(to: wrong.appendingPathComponent("reports.jsonl"))
        try cluster.addWorker("wrong", folders: ["north": wrong])
        try cluster.wait("both") { try cluster.ledger.workers().filter { $0.state == .active }.count == 2 }
        gate.open()
        #expect(try cluster.waitForEnd(job).state == .complete)
        let records = try cluster.ledger.shardRecords(job: job, stage: "toy-read", round: 0)
        #expect(Set(records.map(\.worker)) == ["right"])
        let trouble = try #require(try cluster.ledger.workers().first { $0.name == "wrong" }?.troubles.first)
        #expect(trouble.centre == "north" && trouble.job == job.rawValue)
        #expect(trouble.reason.contains("another archive"))
        let counts = try cluster.ledger.counts(job: job, stage: "toy-read")
        #expect(counts.taskErrors == 0 && counts.losses == 0)
    }

    @Test func aSlotThatDoesNotReturnLosesItsShardToAnotherAndItsWorkerStartsAnew() throws {
        var timing = TestCluster.shortTiming
        timing.shortestLeaseLimit = .seconds(2)
        timing.overdueFactor = 2
        timing.slotPatience = .seconds(1)
        let gate = Gate()
        let stuck = Mutex(false)
        let stage = ToyScoreStage(studies: 4) { study in
            // The first to come never looks whether it was told to stop.
            if study == "s2",
                stuck.withLock({ was in
                    defer { was = true }; return !was
                })
            {
                gate.pass()
            }
        }
        let cluster = try TestCluster([stage], timing: timing)
        defer { gate.open() }
        let first = try cluster.addWorker("first", slots: 1)
        let job = try cluster.submit(#"{ stages: [ { stage: "toy-score" } ] }"#, centres: ["north"])
        try cluster.wait("the stuck slot") { gate.arrived == 1 }
        try cluster.addWorker("second", slots: 1)
        #expect(try cluster.waitForEnd(job).state == .complete)
        #expect(cluster.lines.count("shard.overdue") >= 1)
        #expect(try cluster.ledger.counts(job: job, stage: "toy-score").losses == 1)
        let left = try #require(first.wait(atMost: .seconds(20)))
        #expect(left?.code == .stuckSlot)
        #expect(cluster.lines.count("slot.stuck") == 1)
    }
}
