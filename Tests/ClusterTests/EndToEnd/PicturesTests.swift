import Cluster
import Digest
import Foundation
import Ledger
import Stages
import Testing
import ZeroMQ

/// What shows patients' frames stays on the worker's host unless the job and the worker both say otherwise.
@Suite struct PicturesTests {
    /// One shard with one picture, where it is to be kept.
    private struct PictureStage: Stage {
        var name: String { "toy-picture" }
        var place = FramePicture.Place.local
        var study = "s1"

        static let picture = Data("\u{89}PNG a patient's frame".utf8)

        func plan(round: Int, settings: StageSettings, view: any PlanningView) throws -> [ShardPlan] {
            [ShardPlan(key: "one", centre: "north", input: Data("{}".utf8))]
        }

        func map(_ shard: ShardInput, context: any MapContext) throws -> ShardOutput {
            guard context.keepsPictures(in: place) else { return ShardOutput() }
            return ShardOutput(pictures: [
                FramePicture(
                    centre: "north", study: study, image: "1.png", kind: "overlay", data: Self.picture, place: place)
            ])
        }
    }

    private struct Kept {
        var contents: Int64
        var masks: Int
        var pictures: [PictureRow]
        var items: [ItemStatusRow]
        var onHost: Data?
        var lines: LogLines
    }

    /// Runs one such job on one worker.
    private func run(_ stage: PictureStage, hasFolder: Bool, allows: Bool, fills: Bool = false) throws -> Kept {
        let cluster = try TestCluster([stage])
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("pictures-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        if fills {
            // A file where the job's folder belongs.
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            try Data().write(to: folder.appendingPathComponent("1"))
        }
        var configuration = Worker.Configuration(
            name: "w", endpoint: cluster.endpoint, slots: 1, centres: ["north": cluster.archive])
        configuration.timing = cluster.timing
        configuration.pictures = hasFolder ? folder : nil
        configuration.allowsPicturesToLeave = allows
        let worker = try Worker(configuration, stages: cluster.stages, log: cluster.lines.log)
        worker.start()
        defer {
            worker.stop()
            _ = worker.wait()
        }
        let job = try cluster.submit("{ stages: [ { stage: 'toy-picture' } ] }", centres: ["north"])
        #expect(try cluster.waitForEnd(job).state == .complete)
        let file = folder.appendingPathComponent("\(job)/overlay/north/s1/1.png.png")
        let masks = try cluster.ledger.masks(job: job, stage: "toy-picture")
        return Kept(
            contents: try cluster.ledger.hasBlobs([SHA256Digest(hashing: PictureStage.picture)]).isEmpty ? 0 : 1,
            masks: masks.count, pictures: try cluster.ledger.pictures(job: job, stage: "toy-picture"),
            items: try cluster.ledger.itemStatuses(job: job, stage: "toy-picture"),
            onHost: FileManager.default.contents(atPath: file.path), lines: cluster.lines)
    }

    @Test(arguments: [(FramePicture.Place.local, false), (.local, true), (.central, false)])
    func theyStayOnTheHost(place: FramePicture.Place, allows: Bool) throws {
        let kept = try run(PictureStage(place: place), hasFolder: true, allows: allows)
        #expect(kept.contents == 0 && kept.masks == 0 && kept.items.isEmpty)
        #expect(kept.pictures.map(\.digest) == [SHA256Digest(hashing: PictureStage.picture)])
        #expect(kept.onHost == PictureStage.picture)
    }

    @Test func theyLeaveWhenJobAndWorkerBothSaySo() throws {
        let kept = try run(PictureStage(place: .central), hasFolder: true, allows: true)
        #expect(kept.contents == 1 && kept.masks == 1 && kept.pictures.isEmpty && kept.onHost == nil)
    }

    @Test func withoutAFolderNoneAreMadeAndThatIsSaidOnce() throws {
        let kept = try run(PictureStage(), hasFolder: false, allows: true)
        #expect(kept.contents == 0 && kept.masks == 0 && kept.pictures.isEmpty)
        #expect(kept.lines.count("pictures.off") == 1)
    }

    @Test func onesThatCannotBeWrittenCostThemselvesOnly() throws {
        for stage in [PictureStage(), PictureStage(study: "../../s1")] {
            let kept = try run(stage, hasFolder: true, allows: false, fills: stage.study == "s1")
            #expect(kept.contents == 0 && kept.pictures.isEmpty && kept.onHost == nil)
            #expect(kept.items.map(\.reason) == ["picture-not-kept"] && kept.items.map(\.status) == [.skipped])
            #expect(kept.lines.count("pictures.failed") == 1)
        }
    }
}
