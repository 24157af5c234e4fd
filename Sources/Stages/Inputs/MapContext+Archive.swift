import Archives
import Foundation

extension MapContext {
    /// The tables of a centre's archive, read once a process as long as they stay as they are.
    ///
    /// Throws `StageError.archive` when they cannot be read, or when this worker does not serve the centre.
    func index(ofCentre centre: String) throws -> CentreIndex {
        try kept("archive", ofCentre: centre, tables: ["manifest.csv", "reports.jsonl", "reports.csv"]) {
            do { return try $0.index() } catch let error as ArchiveError { throw StageError(.archive, error.message) }
        }
    }

    /// What is known about a centre's studies and images, read likewise. What is wrong with its tables stands in its
    /// `issues`; throws when this worker does not serve the centre.
    func truth(ofCentre centre: String) throws -> TruthReader {
        try kept("truth", ofCentre: centre, tables: ["studies.csv", "truth.csv"]) {
            TruthReader($0)
        }
    }

    private func kept<Read: Sendable>(
        _ kind: String, ofCentre centre: String, tables: [String], read: (CentreArchive) throws -> Read
    ) throws -> Read {
        let folder = try archiveFolder(ofCentre: centre)
        let stamp = tables.map { name in
            let attributes = try? FileManager.default.attributesOfItem(atPath: folder.appendingPathComponent(name).path)
            let date = (attributes?[.modificationDate] as? Date)?.timeIntervalSince1970 ?? 0
            return "\(date)/\((attributes?[.size] as? UInt64) ?? 0)"
        }
        return try shared("\(kind)/\(centre)/\(folder.path)/\(stamp.joined(separator: "/"))") {
            try read(CentreArchive(name: centre, directory: folder))
        }
    }
}
