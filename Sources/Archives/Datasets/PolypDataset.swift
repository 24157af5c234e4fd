/// A public data set of polyps and their outlines: its names, how its files lie, and which of its images belong together.
public struct PolypDataset: Sendable, Hashable {
    /// As the field writes it.
    public let name: String
    /// Other names, as folders and papers have them, folded.
    let aliases: Set<String>
    let layouts: [DatasetLayout]
    /// Whether all layouts are looked for and joined, not the first that is there.
    let joinsLayouts: Bool
    /// Which images show the same polyp or patient.
    let grouping: DatasetGrouping
    /// How a mask's numbers are read.
    let masks: DatasetMask.Rule
    /// Images of the split that published tables are of; nil where papers differ.
    public let publishedCount: Int?

    private init(
        _ name: String, aliases: [String] = [], layouts: [DatasetLayout], joinsLayouts: Bool = false,
        grouping: DatasetGrouping = .none, masks: DatasetMask.Rule = .aboveHalf, publishedCount: Int? = nil
    ) {
        self.name = name
        self.aliases = Set((aliases + [name]).map(PathPattern.folded))
        self.layouts = layouts
        self.joinsLayouts = joinsLayouts
        self.grouping = grouping
        self.masks = masks
        self.publishedCount = publishedCount
    }

    /// All that are known.
    public static let all: [PolypDataset] = [
        PolypDataset(
            "CVC-ClinicDB", aliases: ["ClinicDB", "CVC-612"],
            layouts: [
                .pranet, DatasetLayout("as published", images: "Original", masks: "Ground Truth|GroundTruth"),
                DatasetLayout("as on Kaggle", images: "PNG/Original", masks: "PNG/Ground Truth"),
                DatasetLayout("as on Kaggle", images: "TIF/Original", masks: "TIF/Ground Truth"),
                DatasetLayout("of EndoScene", images: "bbdd", masks: "gtpolyp"),
            ], grouping: .clinicSequences, publishedCount: 62),
        PolypDataset("Kvasir-SEG", aliases: ["Kvasir"], layouts: [.pranet], publishedCount: 100),
        PolypDataset(
            "ETIS", aliases: ["ETIS-LaribPolypDB", "ETIS-Larib", "ETIS-Larib Polyp DB"],
            layouts: [
                .pranet,
                DatasetLayout("as published", images: "ETIS-LaribPolypDB|images|Original", masks: "Ground Truth|GroundTruth"),
            ], publishedCount: 196),
        PolypDataset(
            "CVC-ColonDB", aliases: ["ColonDB"],
            layouts: [
                .pranet, DatasetLayout("of EndoScene", images: "bbdd", masks: "gtpolyp"),
                DatasetLayout("as published, masks as pN beside N", images: "", masks: ""),
            ], publishedCount: 380),
        PolypDataset(
            "CVC-300", aliases: ["EndoScene", "CVC-T", "CVC-EndoSceneStill"],
            layouts: [.pranet, DatasetLayout("of EndoScene", images: "bbdd", masks: "gtpolyp")], publishedCount: 60),
        PolypDataset(
            "PolypGen", aliases: ["PolypGen2021", "PolypGen2021_MultiCenterData_v3"],
            layouts: [
                DatasetLayout(
                    "as published", images: "data_*/images_*", masks: "data_$1/masks_$2", part: "frames", centre: 1),
                DatasetLayout(
                    "as published", images: "sequenceData|sequences/positive/*/images_*",
                    masks: "sequenceData|sequences/positive/$1/masks_$2", part: "sequences", group: 1),
                .pranet, .byCentre,
            ], joinsLayouts: true),
        PolypDataset(
            "BKAI-IGH NeoPolyp", aliases: ["BKAI-IGH", "BKAI", "NeoPolyp", "NeoPolyp-Small", "BKAI-IGH NeoPolyp-Small"],
            layouts: [
                DatasetLayout("as on Kaggle", images: "train/train", masks: "train_gt/train_gt"),
                DatasetLayout("as on Kaggle", images: "train", masks: "train_gt"), .pranet,
            ], masks: .anyClass),
        PolypDataset(
            "SUN-SEG", aliases: ["SUNSEG"],
            layouts: [
                DatasetLayout(
                    "as published", images: "Test*Dataset/*/Frame/*", masks: "Test$1Dataset/$2/GT/$3", centre: 1, group: 3),
                DatasetLayout("as published, one part", images: "*/Frame/*", masks: "$1/GT/$2", centre: 1, group: 2),
                DatasetLayout("as published, one part", images: "Frame/*", masks: "GT/$1", group: 1), .pranet,
            ], grouping: .sunCases),
        PolypDataset(
            "HyperKvasir", aliases: ["Hyper-Kvasir", "HyperKvasir segmented images"],
            layouts: [.pranet, DatasetLayout("as published", images: "segmented-images/images", masks: "segmented-images/masks")]),
    ]

    /// The set of this name, in any of its spellings; for another name a set of which nothing is known.
    public static func named(_ name: String) -> PolypDataset {
        let folded = PathPattern.folded(name)
        return all.first { $0.aliases.contains(folded) }
            ?? PolypDataset(name, layouts: [.usual, .byCentre, .together], masks: .plain)
    }

    /// Whether this program knows it.
    public var isKnown: Bool { Self.all.contains { $0.name == name } }

    /// Whether a folder is called as this set.
    func isNamed(_ folder: String) -> Bool { aliases.contains(PathPattern.folded(folder)) }
}
