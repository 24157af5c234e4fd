/// Which file of a study's folder of masks belongs to an image.
struct MaskNames {
    let image: String
    /// Other images of the bag of the same stem.
    let siblings: () throws -> [String]

    private static let extensions: Set<String> = ["png", "jpg", "jpeg", "jpe", "jfif", ""]
    private static let endings: Set<String> = [
        "_mask", "-mask", ".mask", " mask", "_masks", "_seg", "-seg", "_segmentation", "_label", "_gt", "_truth", "_polyp",
    ]

    /// The image's mask; nil where no file is one.
    ///
    /// The whole name of the image with `.png` comes first, then the stem, then names with endings such as `_mask`.
    /// - Parameter isPositive: what `truth.csv` says of an image.
    /// - Throws: `ArchiveError.ambiguousName` where several files are as good, or the file may be another image's.
    func choose(from files: [String], isPositive: (String) -> Bool?) throws -> String? {
        if let own = files.first(where: { TruthReader.folded($0) == TruthReader.folded(image) + ".png" }) { return own }
        let stem = TruthReader.folded(TruthReader.stem(image))
        for rank in Rank.allCases {
            let matches = files.filter { Self.rank($0, stem: stem) == rank }
            guard !matches.isEmpty else { continue }
            guard matches.count == 1 else {
                throw ArchiveError(
                    .ambiguousName, "\(matches.count) files may be the image's mask: keep one of them, named as the image with .png")
            }
            try requireNoSibling(isPositive)
            return matches[0]
        }
        return nil
    }

    /// Whether a file is a mask of an image with this name, by any of the rules.
    static func fits(_ file: String, image: String) -> Bool {
        TruthReader.folded(file) == TruthReader.folded(image) + ".png"
            || rank(file, stem: TruthReader.folded(TruthReader.stem(image))) != nil
    }

    /// Two images `01.jpg` and `01.png` with one mask `01.png`: it is the one's that `truth.csv` alone calls positive.
    private func requireNoSibling(_ isPositive: (String) -> Bool?) throws {
        let siblings = try siblings()
        guard !siblings.isEmpty else { return }
        let others = siblings.map(isPositive)
        if isPositive(image) == true, others.allSatisfy({ $0 == false }) { return }
        throw ArchiveError(
            .ambiguousName,
            "the mask may belong to this image or to another of the same name with another extension: "
                + "name masks with the image's whole name and .png, such as 01.jpg.png")
    }

    private enum Rank: CaseIterable { case plain, otherFormat, ending }

    private static func rank(_ file: String, stem: String) -> Rank? {
        let name = TruthReader.folded(file)
        if name == stem + ".png" { return .plain }
        let fileStem = TruthReader.stem(name)
        let isKnown = extensions.contains(name == fileStem ? "" : String(name.dropFirst(fileStem.count + 1)))
        if name == stem || isKnown && fileStem == stem { return .otherFormat }
        guard name.hasPrefix(stem) else { return nil }
        let rest = isKnown && name != fileStem ? fileStem.dropFirst(stem.count) : name.dropFirst(stem.count)
        return fileStem.count >= stem.count && endings.contains(String(rest)) ? .ending : nil
    }
}
