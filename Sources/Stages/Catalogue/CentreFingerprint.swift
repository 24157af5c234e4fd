import Archives
import Foundation

/// What a centre's archive is recognised by, from the job's catalogue: some of its images by name and size, spread over all
/// studies.
///
/// No digest over everything: an archive grows and loses a file while a job runs and is still the same one, and looking at
/// some dozens of files costs a worker nothing. It holds names that the ledger knows anyway, and sizes.
public struct CentreFingerprint: Sendable, Hashable, Codable {
    struct Item: Sendable, Hashable, Codable {
        var study: String
        var image: String
        var size: Int
    }

    /// At most `sampleSize`; empty for a centre without images.
    var items: [Item]
    /// Some studies, for a centre without images.
    var studies: [String]

    private static let sampleSize = 64

    /// - Parameter found: the studies with the images that can be read.
    init(of found: [(study: String, images: [String])], in index: CentreIndex) {
        let images = found.flatMap { study in study.images.map { (study: study.study, image: $0) } }
        items = Self.spread(images).compactMap { place in
            guard let url = try? index.imageURL(study: place.study, image: place.image), let size = Self.size(of: url) else {
                return nil
            }
            return Item(study: place.study, image: place.image, size: size)
        }
        studies = items.isEmpty ? Self.spread(found.map(\.study)) : []
    }

    /// `sampleSize` elements at equal distances, or all.
    private static func spread<Element>(_ all: [Element]) -> [Element] {
        guard all.count > sampleSize else { return all }
        return (0..<sampleSize).map { all[$0 * all.count / sampleSize] }
    }

    private static func size(of url: URL) -> Int? {
        var status = stat()
        return stat(url.path, &status) == 0 ? Int(status.st_size) : nil
    }

    /// Why the folder does not hold this archive; nil when it does. Reads tables only where images lie otherwise than in
    /// `studies/`, or where there are none.
    public func mismatch(in folder: URL, centre: String) -> String? {
        let archive = CentreArchive(name: centre, directory: folder)
        // The catalogue read one.
        guard CentreFolder.tables.contains(where: { Self.size(of: folder.appendingPathComponent($0)) != nil }) else {
            return "its folder holds none of \(CentreFolder.tables.joined(separator: ", ")) any more"
        }
        guard !items.isEmpty else {
            guard !studies.isEmpty else { return nil }
            guard let index = try? archive.index() else { return "its table of reports cannot be read" }
            return Self.verdict(studies.count { index[$0] != nil }, of: studies.count, "studies")
        }
        func present(_ locate: (Item) throws -> URL) -> Int {
            items.count { item in (try? locate(item)).flatMap(Self.size) == item.size }
        }
        let direct = present { try archive.resolve("studies/\($0.study)/\($0.image)") }
        if Self.verdict(direct, of: items.count, "images") == nil { return nil }
        guard let index = try? archive.index() else { return Self.verdict(direct, of: items.count, "images") }
        let listed = present { try index.imageURL(study: $0.study, image: $0.image) }
        return Self.verdict(max(direct, listed), of: items.count, "images")
    }

    /// Half is enough: images that were taken away one by one are theirs alone to miss.
    private static func verdict(_ there: Int, of all: Int, _ what: String) -> String? {
        there * 2 >= all
            ? nil
            : "its folder holds another archive than the job's catalogue saw: of \(all) \(what) looked at, \(there) are there "
                + "as they were"
    }
}
