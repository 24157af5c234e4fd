import Foundation

/// A data set as it lies in a folder: its images with their masks, and what could not be paired.
public struct DatasetFolder: Sendable {
    public let dataset: PolypDataset
    /// Where it was found: the folder that was named, or one in it.
    public let folder: URL
    /// By part and name.
    public let images: [DatasetImage]
    /// What lies there and could not be used, with the reason; the text names the file.
    public let problems: [String]

    /// How deep below the named folder a set is looked for.
    private static let depth = 2

    /// Finds a data set's images and masks, whatever layout it has.
    ///
    /// It is looked for in the folder, in those in it that are called as the set, and then in all others down to the second level.
    /// - Parameter name: as people write it; see `PolypDataset.named`.
    /// - Throws: `ArchiveError`: `notFound` for an absent folder; `notAnArchive` where no layout is there, with what was
    ///   looked for; `ambiguousName` where several folders hold the set.
    public init(_ name: String, in folder: URL) throws {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: folder.path, isDirectory: &isFolder), isFolder.boolValue else {
            throw ArchiveError(.notFound, "\(name): there is no folder \(folder.path)")
        }
        let dataset = PolypDataset.named(name)
        self.dataset = dataset
        var tree = FolderTree()
        var level = [folder]
        for _ in 0...Self.depth {
            // Those that carry the set's name come first: in a folder of sets, the others are not its centres.
            let below = try level.flatMap { try tree.folders(in: $0) }
            for candidates in [below.filter { dataset.isNamed($0.lastPathComponent) }, level] where !candidates.isEmpty {
                let found = try candidates.map { ($0, try dataset.pairs(in: $0, &tree)) }.filter { !$0.1.isEmpty }
                guard let first = found.first else { continue }
                guard found.count == 1 else {
                    throw ArchiveError(
                        .ambiguousName,
                        "\(name): \(found.count) folders in \(folder.path) hold images and masks, such as \(first.0.path) and "
                            + "\(found[1].0.path): name the one that is meant")
                }
                var listing = DatasetListing(dataset)
                for pair in first.1 { try listing.add(pair, &tree) }
                guard !listing.images.isEmpty else {
                    throw ArchiveError(
                        .notAnArchive,
                        "\(name): no image in \(first.0.path) has a mask of its name: name masks as their images, or NAME_mask.png")
                }
                self.folder = first.0
                images = listing.images.sorted { ($0.part ?? "", $0.name) < ($1.part ?? "", $1.name) }
                problems = listing.problems
                return
            }
            level = below
        }
        let wanted = dataset.layouts.map(\.words)
        throw ArchiveError(
            .notAnArchive,
            "\(name): no images with masks in \(folder.path). Looked there and two levels below for "
                + wanted.joined(separator: "; ") + ". Name the folder that holds them, or bring them into one of these layouts")
    }
}

/// A folder of images and the folder of their masks.
struct DatasetPair {
    var layout: DatasetLayout
    var images: URL
    var masks: URL
    var captures: [String]
    /// Of the images' folder below the set's, for names; empty where there is but one.
    var path: String

    func capture(_ number: Int?) -> String? {
        number.flatMap { captures.indices.contains($0 - 1) ? captures[$0 - 1] : nil }
    }
}

extension PolypDataset {
    /// The pairs of folders below `base`, of the first layout that is there, or of all that are.
    func pairs(in base: URL, _ tree: inout FolderTree) throws -> [DatasetPair] {
        var found: [DatasetPair] = []
        for layout in layouts {
            // The plain layouts of a set with parts are for those that bring no parts.
            if joinsLayouts, layout.part == nil, !found.isEmpty { break }
            for (images, captures, path) in try tree.matches(of: layout.images, from: base) {
                let isTogether = layout.images.components.isEmpty
                if isTogether, try !holdsMasks(images, &tree) { continue }
                guard let masks = try tree.matches(of: layout.masks.filled(with: captures), from: base).first?.folder,
                    isTogether || masks != images, try !tree.images(in: images).isEmpty
                else { continue }
                found.append(DatasetPair(layout: layout, images: images, masks: masks, captures: captures, path: path))
            }
            if !joinsLayouts, !found.isEmpty { break }
        }
        return found
    }

    /// Whether masks lie among a folder's images.
    private func holdsMasks(_ folder: URL, _ tree: inout FolderTree) throws -> Bool {
        let names = try tree.images(in: folder)
        let index = MaskIndex(names)
        return names.contains { ((try? index.mask(of: $0, isTogether: true)) ?? nil) != nil }
    }
}
