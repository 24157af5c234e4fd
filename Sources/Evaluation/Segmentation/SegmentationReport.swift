import Foundation

/// The agreement of masks with their truth, per centre and together.
public struct SegmentationReport: Sendable, Equatable {
    /// One line of the table.
    public struct Row: Sendable, Equatable, Codable {
        /// The centre, or `pooled`.
        public var centre: String
        public var images: Int
        /// Measures by name, means over the images: those of `SegmentationSummary`, and `binary_dice`, `binary_iou`.
        public var measures: [String: Double]
        /// The mean HD95 in pixels over the images where it exists, and how many those are.
        public var hausdorff95: Double?
        public var imagesWithHausdorff95: Int
    }

    /// Centres by name, then `pooled`; nothing where no image was added.
    public private(set) var rows: [Row] = []

    /// Everything over all centres.
    public static let pooled = "pooled"

    /// What one image scored; `soft` and `binary` are for the same image and may be left out.
    public struct Item: Sendable {
        public var centre: String
        public var score: SegmentationScore?
        public var binary: BinaryMaskScore?

        public init(centre: String, score: SegmentationScore?, binary: BinaryMaskScore?) {
            self.centre = centre
            self.score = score
            self.binary = binary
        }
    }

    public init(_ items: [Item]) {
        guard !items.isEmpty else { return }
        let centres = Dictionary(grouping: items, by: \.centre)
        rows = centres.keys.sorted().map { Self.row($0, centres[$0] ?? []) }
        rows.append(Self.row(Self.pooled, items))
    }

    private static func row(_ centre: String, _ items: [Item]) -> Row {
        var summary = SegmentationSummary()
        for item in items {
            if let score = item.score { summary.add(score) }
        }
        var measures = Dictionary(uniqueKeysWithValues: summary.measures.map { ($0.name, $0.value) })
        let binaries = items.compactMap(\.binary)
        if !binaries.isEmpty {
            measures["binary_dice"] = binaries.reduce(0) { $0 + $1.dice } / Double(binaries.count)
            measures["binary_iou"] = binaries.reduce(0) { $0 + $1.intersectionOverUnion } / Double(binaries.count)
        }
        let distances = binaries.compactMap(\.hausdorff95)
        return Row(
            centre: centre, images: items.count, measures: measures,
            hausdorff95: distances.isEmpty ? nil : distances.reduce(0, +) / Double(distances.count),
            imagesWithHausdorff95: distances.count)
    }

    /// A table for a terminal: the measures that the field's papers print.
    public var table: String {
        let names = [
            "dice_mean", "iou_mean", "wfmeasure", "smeasure", "emeasure_mean", "emeasure_max", "mae",
            "binary_dice", "binary_iou",
        ]
        let shown = names.filter { name in rows.contains { $0.measures[name] != nil } }
        var lines = [["centre", "images"] + shown + ["hd95"]]
        for row in rows {
            lines.append(
                [row.centre, String(row.images)] + shown.map { TextTable.number(row.measures[$0]) }
                    + [TextTable.number(row.hausdorff95, digits: 1)])
        }
        return TextTable.lines(lines)
    }
}
