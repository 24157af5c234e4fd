import Foundation
import Reports
import TestSupport

/// A line of `shared/data/reports.jsonl`, or of a file of ours in the same form.
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
        return try read(folder.appendingPathComponent("data/reports.jsonl"))
    }

    /// Reports of our own in Fixtures, in the order in which they were written.
    static func written() throws -> [GivenReport] {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Fixtures")
        return try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
            .filter { $0.pathExtension == "jsonl" }.sorted { $0.path < $1.path }.flatMap(read)
    }

    private static func read(_ file: URL) throws -> [GivenReport] {
        let data = try Data(contentsOf: file)
        return try data.split(separator: 0x0A).map { try JSONDecoder().decode(GivenReport.self, from: Data($0)) }
    }
}
