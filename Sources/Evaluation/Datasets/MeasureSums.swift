/// Sums of all measures over some images, as one vector: what the bootstrap adds up again and again.
///
/// Curves come threshold by threshold, since a data set's maximum is taken of the averaged curve.
struct MeasureSums: Sendable {
    /// In the order of `scalars`, then the three curves of 256, then the count of images and of those with HD95.
    private(set) var values: [Double]

    private static let scalars = [
        "mae", "smeasure", "wfmeasure", "emeasure_adp", "dice_adp", "iou_adp", "soft_dice", "binary_dice", "binary_iou", "hd95",
    ]
    private static let curves = ["emeasure", "dice", "iou"]
    private static let thresholds = 256
    private static let imagePlace = scalars.count + curves.count * thresholds
    static let length = imagePlace + 2

    init() { values = [Double](repeating: 0, count: Self.length) }

    init(_ image: ScoredImage) {
        let (score, binary) = (image.score, image.binary)
        values = [
            score.meanAbsoluteError, score.structureMeasure, score.weightedFMeasure, score.alignment.adaptive, score.dice.adaptive,
            score.intersectionOverUnion.adaptive, image.softDice, binary.dice, binary.intersectionOverUnion, binary.hausdorff95 ?? 0,
        ]
        values += score.alignment.values + score.dice.values + score.intersectionOverUnion.values
        values += [1, binary.hausdorff95 == nil ? 0 : 1]
    }

    var images: Int { Int(values[Self.imagePlace]) }
    var imagesWithHausdorff95: Int { Int(values[Self.imagePlace + 1]) }

    mutating func add(_ other: MeasureSums, times: Double = 1) {
        values.withUnsafeMutableBufferPointer { mine in
            other.values.withUnsafeBufferPointer { its in
                for place in mine.indices { mine[place] += times * its[place] }
            }
        }
    }

    /// Names of all measures, in the order of tables.
    static let names: [String] =
        [
            "dice_mean", "iou_mean", "wfmeasure", "smeasure", "emeasure_mean", "emeasure_max", "mae", "soft_dice", "binary_dice",
            "binary_iou", "hd95", "dice_max", "iou_max", "emeasure_adp", "dice_adp", "iou_adp",
        ]

    /// Means over the images; nothing without an image, and no HD95 where no image has one.
    var measures: [String: Double] {
        let count = values[Self.imagePlace]
        guard count > 0 else { return [:] }
        var measures: [String: Double] = [:]
        for (place, name) in Self.scalars.enumerated() where name != "hd95" { measures[name] = values[place] / count }
        let distances = values[Self.imagePlace + 1]
        if distances > 0 { measures["hd95"] = values[Self.scalars.count - 1] / distances }
        for (place, name) in Self.curves.enumerated() {
            let start = Self.scalars.count + place * Self.thresholds
            var (sum, greatest) = (0.0, 0.0)
            for index in start..<start + Self.thresholds {
                sum += values[index]
                greatest = max(greatest, values[index])
            }
            measures[name + "_mean"] = sum / count / Double(Self.thresholds)
            measures[name + "_max"] = greatest / count
        }
        return measures
    }
}
