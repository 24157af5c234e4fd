import Archives
import Foundation

/// What the pictures of a bag's images are called: `01.png` of `01.jpg`; `01.jpg.png` and `01.tif.png` where the bag holds
/// images whose names differ in the extension alone, so that each keeps its own.
struct PictureNames {
    private var names: [[UInt8]: String] = [:]

    /// - Parameter bag: the file names of one study's images.
    init(_ bag: some Sequence<String>) {
        // By bytes: Swift takes composed and decomposed letters for equal, file systems do not.
        let images = Dictionary(bag.map { (Array($0.utf8), $0) }, uniquingKeysWith: { first, _ in first })
        var short = images.mapValues { ($0 as NSString).deletingPathExtension }
        while true {
            let full = images.filter { short[$0.key] == nil }.map { Array($0.value.utf8) }
            let taken = Dictionary(grouping: short) { Array($0.value.utf8) }
            let shared = taken.filter { $0.value.count > 1 || full.contains($0.key) }.flatMap { $0.value.map(\.key) }
            guard !shared.isEmpty else { break }
            for image in shared { short[image] = nil }
        }
        names = images.reduce(into: [:]) { $0[$1.key] = short[$1.key] ?? $1.value }
    }

    /// - Throws: `ArchiveError.unsafeName`.
    func name(of image: String) throws -> String {
        // A name that is none must not become one by losing its extension.
        _ = try SafeName.fileName(image, "")
        return try SafeName.fileName(names[Array(image.utf8)] ?? image, ".png")
    }
}
