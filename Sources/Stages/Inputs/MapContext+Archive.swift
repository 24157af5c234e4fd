import Archives
import Foundation

extension MapContext {
    /// The tables of a centre's archive, read once a process as long as they stay as they are.
    func index(ofCentre centre: String) throws -> CentreIndex {
        let folder = try archiveFolder(ofCentre: centre)
        let stamp = ["manifest.csv", "reports.jsonl", "reports.csv"].map { name in
            let attributes = try? FileManager.default.attributesOfItem(atPath: folder.appendingPathComponent(name).path)
            let date = (attributes?[.modificationDate] as? Date)?.timeIntervalSince1970 ?? 0
            return "\(date)/\((attributes?[.size] as? UInt64) ?? 0)"
        }
        do {
            return try shared("archive/\(centre)/\(folder.path)/\(stamp.joined(separator: "/"))") {
                try CentreArchive(name: centre, directory: folder).index()
            }
        } catch let error as ArchiveError {
            throw StageError(.archive, error.message)
        }
    }
}
