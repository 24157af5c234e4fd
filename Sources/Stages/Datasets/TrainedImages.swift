import Archives
import Foundation

/// The images from which something was trained: those of an archive's training split, or all in a folder.
public struct TrainedImages: Sendable {
    public let folder: URL
    /// By their paths in it.
    public let images: [(name: String, file: URL)]
    /// Whether only the training split counts.
    public let isArchive: Bool

    /// Names of folders that hold no images to train from.
    private static let others: Set<String> = ["masks", "mask", "gt", "groundtruth", "truth", "labels", "annotations", "edge", "__macosx"]

    /// - Throws: `ArchiveError` where the folder is absent or holds no image.
    public init(_ folder: URL) throws {
        self.folder = folder
        if let centres = try? Archive.open(folder) {
            var images: [(name: String, file: URL)] = []
            for centre in centres {
                let index = try centre.index()
                for record in index.records where record.split == .train && record.isProcessed {
                    for name in try index.images(ofStudy: record.study) {
                        guard let file = try? index.imageURL(study: record.study, image: name) else { continue }
                        images.append((centre.name + "/" + record.study + "/" + name, file))
                    }
                }
            }
            self.images = images
            isArchive = true
        } else {
            isArchive = false
            guard let entries = FileManager.default.enumerator(atPath: folder.path) else {
                throw ArchiveError(.notFound, "there is no folder \(folder.path) of what was trained from")
            }
            images = entries.compactMap { $0 as? String }.filter(Self.isImage).sorted().map { name in
                (name, folder.appendingPathComponent(name))
            }
        }
        guard !images.isEmpty else {
            throw ArchiveError(.notFound, "\(folder.path) holds no image that something was trained from: name their folder, or an archive")
        }
    }

    private static func isImage(_ path: String) -> Bool {
        let parts = path.split(separator: "/").map(String.init)
        guard let name = parts.last, !parts.contains(where: { $0.hasPrefix(".") }), DatasetPicture.isNamed(name) else { return false }
        return !parts.dropLast().contains { others.contains($0.lowercased().filter { !" _-".contains($0) }) }
    }
}
