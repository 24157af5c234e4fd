import Foundation
import Imaging
import Stages

/// Stands for `cam`: masks that a test gives, each with a box that was kept.
struct GivenMasks: Stage {
    let name = "cam"
    let products = CAMStage().products
    let localiser = CAMStage().localiser
    /// PNG by centre, study and image.
    var masks: [[String]: Data]

    /// The polyps of an archive as they are, or, inverted, all that is no polyp.
    init(_ archive: TinyArchive, inverted: Bool = false) throws {
        masks = try KnownMasks(archive).masks
        if inverted {
            masks = try masks.mapValues { data in
                var picture = try ImageDecoder.decode(data)
                picture.pixels = picture.pixels.map { 255 - $0 }
                return try ImageEncoder.png(picture)
            }
        }
    }

    func plan(round: Int, settings: StageSettings, view: any PlanningView) -> [ShardPlan] { [] }
    func map(_ shard: ShardInput, context: any MapContext) -> ShardOutput { ShardOutput() }

    func reduce(
        round: Int, records: [ShardRecord], settings: StageSettings, view: any PlanningView
    ) throws -> RoundOutcome {
        var rows: [ResultRow] = []
        for (place, mask) in masks.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
            rows.append(
                .box(
                    .init(
                        centre: place[0], study: place[1], image: place[2], rectangle: .init(x0: 0, y0: 0, x1: 8, y1: 8),
                        areaShare: 0.1, isKept: true, rejection: nil)))
            rows.append(
                .mask(
                    .init(
                        centre: place[0], study: place[1], image: place[2], kind: "cam-mask", content: try view.store(mask))))
        }
        return RoundOutcome(rows: rows)
    }
}
