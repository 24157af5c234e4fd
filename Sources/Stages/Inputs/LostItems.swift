import Archives
import Foundation

/// What a shard's input says of the studies that it was to work on: all stages that read an archive name them alike.
private struct NamedStudies: Decodable {
    struct Named: Decodable { var study: String }

    var studies: [String]?
    var bags: [Named]?
    var items: [Named]?

    var names: [String] {
        Set((studies ?? []) + (bags ?? []).map(\.study) + (items ?? []).map(\.study)).sorted()
    }
}

extension ResultRow {
    /// The rows of what a job has lost with a shard that was set aside: one a study, or one for the centre where the shard
    /// names none.
    ///
    /// - Parameters:
    ///   - input: the shard's input, JSON.
    ///   - message: why, without anything of the archive.
    public static func lost(withShard input: Data, centre: String, reason: String, message: String) -> [ResultRow] {
        let names = (try? JSONDecoder().decode(NamedStudies.self, from: input))?.names ?? []
        return (names.isEmpty ? [""] : names).map { study in
            .item(.init(centre: centre, study: study, image: nil, status: "failed", reason: reason, message: message))
        }
    }
}

extension MapContext {
    /// Whether something that a shard reported as absent or unreadable can be read now: then it was not the item's fault
    /// but the archive's, which was away for a moment.
    package func isReadableNow(_ item: ResultRow.ItemRow) -> Bool {
        let absent: Set = ["not-found", "unreadable", "missing-image", "unreadable-image", "no-folder"]
        guard absent.contains(item.reason), !item.study.isEmpty, let index = try? index(ofCentre: item.centre) else {
            return false
        }
        guard let image = item.image else {
            return item.reason == "no-folder" && ((try? index.images(ofStudy: item.study))?.isEmpty == false)
        }
        return (try? index.imageData(study: item.study, image: image)) != nil
    }
}
