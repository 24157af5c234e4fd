/// The masks of a folder, by the images whose names they carry.
struct MaskIndex {
    private var files: [String: [String]] = [:]

    /// Endings of masks' names, and what stands before an image's name in some sets (ETIS and CVC-ColonDB: `p1` is of `1`).
    static let endings = ["", "_mask", "-mask", " mask", "_masks", "_seg", "_segmentation", "_label", "_gt", "_truth", "_polyp"]
    static let beginnings = ["", "p", "mask_", "mask", "gt_"]

    init(_ names: [String]) {
        for name in names { files[TruthReader.folded(TruthReader.stem(name)), default: []].append(name) }
    }

    /// The mask of an image; nil where there is none.
    /// - Parameter isTogether: masks lie among the images: a file of the image's own name is the image.
    /// - Throws: `ArchiveError.ambiguousName` where two files are as good.
    func mask(of image: String, isTogether: Bool) throws -> String? {
        let stem = TruthReader.folded(TruthReader.stem(image))
        // `1.jpg.png` for `1.jpg`.
        if !isTogether, let whole = files[TruthReader.folded(image)] { return try only(whole) }
        for ending in Self.endings where !isTogether || !ending.isEmpty {
            if let found = files[stem + ending] { return try only(found) }
        }
        for beginning in Self.beginnings.dropFirst() {
            if let found = files[beginning + stem] { return try only(found) }
        }
        // `a_image.png` with `a_mask.png`.
        for ending in ["_image", "_img", "_frame"] where stem.hasSuffix(ending) {
            for other in Self.endings.dropFirst() {
                if let found = files[String(stem.dropLast(ending.count)) + other] { return try only(found) }
            }
        }
        return nil
    }

    private func only(_ names: [String]) throws -> String {
        guard names.count == 1 else {
            throw ArchiveError(.ambiguousName, "\(names.count) files may be its mask: keep one of them")
        }
        return names[0]
    }
}
