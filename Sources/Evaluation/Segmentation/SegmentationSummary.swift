/// Means over the images of a data set, as the field's tables give them.
///
/// Curves are averaged threshold by threshold first; mean and maximum are taken of the averaged curve.
public struct SegmentationSummary: Sendable, Equatable {
    public private(set) var imageCount = 0
    private var sums = [Double](repeating: 0, count: 6)
    private var curves = [[Double]](repeating: [Double](repeating: 0, count: 256), count: 3)

    public init() {}

    /// A summary of one image: its own measures.
    public init(_ score: SegmentationScore) { add(score) }

    public mutating func add(_ score: SegmentationScore) {
        imageCount += 1
        let curves = [score.alignment, score.dice, score.intersectionOverUnion]
        let values =
            [score.meanAbsoluteError, score.structureMeasure, score.weightedFMeasure] + curves.map(\.adaptive)
        for index in values.indices { sums[index] += values[index] }
        for index in curves.indices {
            for threshold in 0..<256 { self.curves[index][threshold] += curves[index].values[threshold] }
        }
    }

    /// Adds the images of another summary.
    public mutating func merge(_ other: SegmentationSummary) {
        imageCount += other.imageCount
        for index in sums.indices { sums[index] += other.sums[index] }
        for index in curves.indices {
            for threshold in 0..<256 { curves[index][threshold] += other.curves[index][threshold] }
        }
    }

    public var meanAbsoluteError: Double { mean(0) }
    public var structureMeasure: Double { mean(1) }
    public var weightedFMeasure: Double { mean(2) }
    public var alignment: SegmentationScore.Curve { curve(0) }
    public var dice: SegmentationScore.Curve { curve(1) }
    public var intersectionOverUnion: SegmentationScore.Curve { curve(2) }

    /// Every measure under the name that the golden file, tables and JSON use; empty without an image.
    public var measures: [(name: String, value: Double)] {
        guard imageCount > 0 else { return [] }
        var measures = [
            ("mae", meanAbsoluteError), ("smeasure", structureMeasure), ("wfmeasure", weightedFMeasure),
        ]
        for (name, curve) in [("emeasure", alignment), ("dice", dice), ("iou", intersectionOverUnion)] {
            measures += [(name + "_adp", curve.adaptive), (name + "_mean", curve.mean), (name + "_max", curve.maximum)]
        }
        return measures.map { (name: $0.0, value: $0.1) }
    }

    private func mean(_ index: Int) -> Double { imageCount == 0 ? .nan : sums[index] / Double(imageCount) }

    private func curve(_ index: Int) -> SegmentationScore.Curve {
        let count = Double(max(1, imageCount))
        return .init(adaptive: mean(3 + index), values: curves[index].map { $0 / count })
    }
}
