/// The measures of data sets: of each whole, of its parts, centres and sizes of polyp, and without copies of what trained.
public struct DatasetReport: Sendable, Equatable {
    /// One line of the table.
    public struct Row: Sendable, Equatable, Codable {
        public var dataset: String
        /// Which of the set's images: `Subset.all`, or what it is divided by.
        public var subset: Subset
        /// The part, centre or size; empty for the whole.
        public var name: String
        public var images: Int
        /// How many groups intervals were drawn from.
        public var groups: Int
        /// By name, as in the golden file; with `soft_dice` (the reference's), `binary_dice`, `binary_iou` and `hd95` in pixels.
        public var measures: [String: Double]
        /// 95 %, by measure; none for one group alone.
        public var intervals: [String: ConfidenceInterval]
        public var imagesWithHausdorff95: Int
    }

    /// What a set's images are divided by.
    public enum Subset: String, Sendable, Hashable, Codable, CaseIterable {
        case all, part, centre, size
        /// Images of which what trained holds no copy.
        case withoutCopies = "without copies"
        /// And whose group has none either: a sequence that was cut is left out as a whole.
        case withoutCutGroups = "without cut groups"
    }

    /// Sets in the order in which they came; for each the whole first.
    public private(set) var rows: [Row] = []

    /// Names of all measures, in the order of tables.
    public static var measureNames: [String] { MeasureSums.names }

    /// - Parameter copiesWereLookedFor: whether to tell rows without copies, even where there are none.
    public init(_ images: [ScoredImage], bootstrap: GroupBootstrap = GroupBootstrap(), copiesWereLookedFor: Bool = false) {
        var sets: [String] = []
        for image in images where !sets.contains(image.dataset) { sets.append(image.dataset) }
        for set in sets {
            let own = images.filter { $0.dataset == set }
            let sums = own.map { MeasureSums($0) }
            func add(_ subset: Subset, _ name: String, _ isIn: (ScoredImage) -> Bool) {
                let places = own.indices.filter { isIn(own[$0]) }
                var groups: [String: MeasureSums] = [:]
                var whole = MeasureSums()
                for place in places {
                    groups[own[place].groupName, default: MeasureSums()].add(sums[place])
                    whole.add(sums[place])
                }
                let ordered = groups.sorted { $0.key < $1.key }.map(\.value)
                rows.append(
                    Row(
                        dataset: set, subset: subset, name: name, images: places.count, groups: groups.count,
                        measures: whole.measures, intervals: bootstrap.intervals(of: ordered),
                        imagesWithHausdorff95: whole.imagesWithHausdorff95))
            }
            add(.all, "") { _ in true }
            if copiesWereLookedFor {
                let cut = Set(own.filter(\.isCopy).map(\.groupName))
                add(.withoutCopies, "") { !$0.isCopy }
                add(.withoutCutGroups, "") { !cut.contains($0.groupName) }
            }
            for part in Set(own.compactMap(\.part)).sorted() { add(.part, part) { $0.part == part } }
            for centre in Set(own.compactMap(\.centre)).sorted() { add(.centre, centre) { $0.centre == centre } }
            for size in PolypSize.allCases where own.contains(where: { $0.size == size }) {
                add(.size, size.rawValue) { $0.size == size }
            }
        }
    }

    /// Every measure of one image.
    public static func measures(of image: ScoredImage) -> [String: Double] { MeasureSums(image).measures }

    /// For a terminal: what the field's papers print.
    public var table: String {
        let names = ["dice_mean", "iou_mean", "wfmeasure", "smeasure", "emeasure_mean", "emeasure_max", "mae", "soft_dice", "binary_dice"]
        var lines = [["set", "images", "groups"] + names + ["hd95"]]
        for row in rows {
            let title =
                row.subset == .all ? row.dataset : "  " + [row.subset.rawValue, row.name].filter { !$0.isEmpty }.joined(separator: " ")
            lines.append(
                [title, String(row.images), String(row.groups)]
                    + names.map { TextTable.number(row.measures[$0], row.subset == .all && $0 == "dice_mean" ? row.intervals[$0] : nil) }
                    + [TextTable.number(row.measures["hd95"], digits: 1)])
        }
        return TextTable.lines(lines)
    }
}
