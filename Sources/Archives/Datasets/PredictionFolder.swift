import Foundation

/// Predicted maps that another program wrote, found by their images' names.
public struct PredictionFolder: Sendable {
    public let folder: URL
    private let byPath: [String: String]
    /// By the last component; nil where several carry it.
    private let byStem: [String: String?]

    /// - Parameter dataset: where the folder holds one that is called as the set (PraNet's `results/Kvasir`), it is that one.
    /// - Throws: `ArchiveError` where the folder is absent or holds no picture.
    public init(_ folder: URL, of dataset: PolypDataset) throws {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: folder.path, isDirectory: &isFolder), isFolder.boolValue else {
            throw ArchiveError(.notFound, "there is no folder of predictions \(folder.path)")
        }
        var tree = FolderTree()
        let own = try tree.folders(in: folder).first { dataset.isNamed($0.lastPathComponent) }
        self.folder = own ?? folder
        let root = self.folder.path
        let names = (FileManager.default.enumerator(atPath: root)?.compactMap { $0 as? String } ?? []).sorted()
        var byPath: [String: String] = [:]
        var byStem: [String: String?] = [:]
        for name in names where DatasetPicture.isNamed(name.split(separator: "/").last.map(String.init) ?? name) {
            let stem = Self.key(name)
            byPath[stem] = byPath[stem] ?? name
            let last = String(stem.split(separator: "/").last ?? Substring(stem))
            byStem[last] = byStem[last] == nil ? name : .some(nil)
        }
        guard !byPath.isEmpty else { throw ArchiveError(.notFound, "\(root) holds no PNG: name the folder of the predictions") }
        self.byPath = byPath
        self.byStem = byStem
    }

    /// The picture of an image's prediction; nil where there is none, or none that is the image's alone.
    public func place(of image: DatasetImage) -> URL? {
        let path = byPath[Self.key(image.name)] ?? byStem[TruthReader.folded(image.stem)] ?? nil
        return path.map { folder.appendingPathComponent($0) }
    }

    private static func key(_ path: String) -> String { TruthReader.folded(TruthReader.stem(path)) }
}
