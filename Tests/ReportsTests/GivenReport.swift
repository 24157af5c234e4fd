import Foundation
import Reports
import TestSupport

/// A line of `shared/data/reports.jsonl`.
struct GivenReport: Decodable {
    var id: String
    var language: Language
    var text: String
    var polyp: PolypStatus
    var count: Int?
    var sites: [Site]
    var max_size_mm: Double?
    var morphology: [PolypMorphology]
    var identifiers: [String]

    var truth: Findings {
        Findings(
            polyp: polyp, count: count, sites: sites, maxSizeMillimetres: max_size_mm, morphology: morphology, confidence: 1)
    }

    static func all() throws -> [GivenReport] {
        guard let folder = SharedFolder.url else { return [] }
        let data = try Data(contentsOf: folder.appendingPathComponent("data/reports.jsonl"))
        return try data.split(separator: 0x0A).map { try JSONDecoder().decode(GivenReport.self, from: Data($0)) }
    }
}
