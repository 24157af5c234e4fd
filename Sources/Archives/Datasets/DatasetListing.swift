import Foundation

/// Pairs images with masks, folder by folder.
struct DatasetListing {
    private let dataset: PolypDataset
    private(set) var images: [DatasetImage] = []
    private(set) var problems: [String] = []

    init(_ dataset: PolypDataset) { self.dataset = dataset }

    mutating func add(_ pair: DatasetPair, _ tree: inout FolderTree) throws {
        let isTogether = pair.images == pair.masks
        let names = try tree.images(in: pair.images)
        let masks = MaskIndex(isTogether ? names : try tree.images(in: pair.masks))
        var used = Set<String>()
        var without: [String] = []
        for name in names {
            let place = pair.images.lastPathComponent + "/" + name
            let mask: String?
            do { mask = try masks.mask(of: name, isTogether: isTogether) } catch let error as ArchiveError {
                problems.append("\(place): \(error.message)")
                continue
            }
            guard let mask else {
                without.append(name)
                continue
            }
            used.insert(mask)
            let stem = TruthReader.stem(name)
            let isAlone = pair.layout.images.components.count <= 1 && pair.captures.isEmpty
            images.append(
                DatasetImage(
                    name: isAlone ? name : pair.path + "/" + name, image: pair.images.appendingPathComponent(name),
                    mask: pair.masks.appendingPathComponent(mask), part: pair.layout.part,
                    centre: pair.capture(pair.layout.centre),
                    group: dataset.grouping.group(ofImage: stem, folder: pair.capture(pair.layout.group))))
        }
        // Where they lie together, masks have none themselves.
        let lost = without.filter { !used.contains($0) }
        if !lost.isEmpty { problems.append("\(pair.images.path): \(lost.count) images have no mask and are left out") }
    }
}
