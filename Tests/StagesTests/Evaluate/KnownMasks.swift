import Foundation
import Imaging
import Stages

/// Stands for `segment` and `mil-score`: draws every polyp of a `TinyArchive` as it is, but for a strip, and scores images.
struct KnownMasks: Stage {
    let name = "segment"
    let products = SegmentStage().products + [Product(.scores, "student")]
    let localiser = SegmentStage().localiser
    /// The plain masks, as the archive was made: PNG by centre, study and image.
    var masks: [[String]: Data]

    /// All masks of an archive, and its truth folder's files by their images.
    init(_ archive: TinyArchive) throws {
        masks = [:]
        for (centre, folder) in archive.centres {
            let truth = folder.appendingPathComponent("truth")
            for study in try FileManager.default.contentsOfDirectory(atPath: truth.path) {
                for file in try FileManager.default.contentsOfDirectory(atPath: truth.appendingPathComponent(study).path) {
                    masks[[centre, study, file]] = try Data(contentsOf: truth.appendingPathComponent("\(study)/\(file)"))
                }
            }
        }
    }

    func plan(round: Int, settings: StageSettings, view: any PlanningView) -> [ShardPlan] { [] }
    func map(_ shard: ShardInput, context: any MapContext) -> ShardOutput { ShardOutput() }

    func reduce(
        round: Int, records: [ShardRecord], settings: StageSettings, view: any PlanningView
    ) throws -> RoundOutcome {
        var rows: [ResultRow] = []
        for study in try view.studies() {
            rows.append(.bagScore(.init(centre: study.centre, study: study.study, head: "student", probability: 0.5)))
            for image in study.images {
                rows.append(
                    .imageScore(.init(centre: study.centre, study: study.study, image: image, head: "student", score: 0.6)))
                guard let mask = masks[[study.centre, study.study, image]] else { continue }
                var drawn = try ImageDecoder.decode(mask)
                for x in 0..<drawn.width { drawn[x: x, y: drawn.height / 2] = 0 }
                let content = try view.store(try ImageEncoder.png(drawn))
                for kind in ["segment", "segment-mask"] {
                    rows.append(
                        .mask(.init(centre: study.centre, study: study.study, image: image, kind: kind, content: content)))
                }
            }
        }
        return RoundOutcome(rows: rows, metrics: ["images": 1])
    }
}
