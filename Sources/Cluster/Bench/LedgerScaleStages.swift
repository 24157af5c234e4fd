import Foundation
import Stages

/// The catalogue of a made-up centre: studies and images that no disk holds. It stands in for `catalogue` where the ledger and
/// the coordinator are measured, not the reading of images.
struct MadeUpCatalogueStage: Stage {
    let name = "catalogue"
    let products = [Product(.studies)]
    let studies: Int
    let images: Int

    func plan(round: Int, settings: StageSettings, view: any PlanningView) throws -> [ShardPlan] {
        view.centres.map { ShardPlan(key: $0, centre: $0, input: Data("{}".utf8)) }
    }

    func map(_ shard: ShardInput, context: any MapContext) throws -> ShardOutput {
        let names = (0..<images).map(MadeUpArchive.image)
        return ShardOutput(
            rows: (0..<studies).map { number in
                .study(
                    .init(
                        centre: shard.centre ?? "", study: MadeUpArchive.study(number), patientKey: String(number, radix: 16),
                        split: "test", language: "en", images: names, hasReport: false))
            })
    }
}

/// Scores of every image and study by two heads, better than chance. It stands in for `mil-score`.
struct MadeUpScoresStage: Stage {
    let name = "mil-score"
    let products = [Product(.scores, "student"), Product(.scores, "attention")]
    let studiesPerShard = 200

    private struct Input: Codable {
        var studies: [String]
        var images: [String]
    }

    func needs(settings: StageSettings) throws -> [StageNeed] { [StageNeed(Product(.studies))] }

    func plan(round: Int, settings: StageSettings, view: any PlanningView) throws -> [ShardPlan] {
        let studies = try view.studies()
        return try stride(from: 0, to: studies.count, by: studiesPerShard).map { start in
            let part = studies[start..<min(start + studiesPerShard, studies.count)]
            return ShardPlan(
                key: String(start), centre: part.first?.centre,
                input: try JSONEncoder().encode(Input(studies: part.map(\.study), images: part.first?.images ?? [])))
        }
    }

    func map(_ shard: ShardInput, context: any MapContext) throws -> ShardOutput {
        let input = try JSONDecoder().decode(Input.self, from: shard.input)
        let centre = shard.centre ?? ""
        var rows: [ResultRow] = []
        for study in input.studies {
            var highest = 0.0
            for (order, image) in input.images.enumerated() {
                let noise = Double(Seed(1).derived(study, image).value % 1000) / 1000
                let score = MadeUpArchive.showsPolyp(study: study, image: order) ? 0.3 + 0.7 * noise : 0.7 * noise
                highest = max(highest, score)
                rows.append(.imageScore(.init(centre: centre, study: study, image: image, head: "student", score: score)))
                rows.append(.imageScore(.init(centre: centre, study: study, image: image, head: "attention", score: noise)))
            }
            rows.append(.bagScore(.init(centre: centre, study: study, head: "student", probability: highest)))
        }
        return ShardOutput(rows: rows)
    }
}

/// Names and truth of the made-up centre.
enum MadeUpArchive {
    static let centre = "north"

    static func study(_ number: Int) -> String { "S" + String(1_000_000 + number) }
    static func image(_ number: Int) -> String { (number < 9 ? "0" : "") + "\(number + 1).jpg" }

    /// Every second study shows a polyp, on its first two images.
    static func showsPolyp(study: String, image: Int) -> Bool { (study.utf8.last ?? 0) % 2 == 1 && image < 2 }

    /// The folder that the worker serves: an empty table of reports, and the truth.
    static func write(to folder: URL, studies: Int, images: Int) throws {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try Data().write(to: folder.appendingPathComponent("reports.jsonl"))
        var table = "study,image,polyp\n"
        var known = "study,polyp\n"
        for number in 0..<studies {
            let study = study(number)
            for order in 0..<images {
                table += "\(study),\(image(order)),\(showsPolyp(study: study, image: order) ? 1 : 0)\n"
            }
            known += "\(study),\(showsPolyp(study: study, image: 0) ? 1 : 0)\n"
        }
        try Data(table.utf8).write(to: folder.appendingPathComponent("truth.csv"))
        try Data(known.utf8).write(to: folder.appendingPathComponent("studies.csv"))
    }
}
