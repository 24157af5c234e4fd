/// How well a predicted map of one image agrees with its truth: the measures of PraNet's toolbox and PySODMetrics 1.6.
///
/// Empty and full truths are defined as there: with an empty truth the weighted F-measure, Dice and IoU are 0 and the
/// S-measure is 1 − the mean of the prediction; with a full one the S-measure is that mean. One thing differs: where
/// the truth's centre lies in the last row or column, the S-measure there is NaN, for it divides an empty region by
/// nothing; here such a region counts nothing.
public struct SegmentationScore: Sendable, Equatable {
    /// Mean absolute error.
    public var meanAbsoluteError: Double
    /// Structure measure (Fan et al. 2017), α = 0.5.
    public var structureMeasure: Double
    /// Weighted F-measure (Margolin et al. 2014), β² = 1.
    public var weightedFMeasure: Double
    /// Enhanced-alignment measure (Fan et al. 2018).
    public var alignment: Curve
    public var dice: Curve
    public var intersectionOverUnion: Curve

    /// A measure of the map cut at a threshold.
    public struct Curve: Sendable, Equatable {
        /// At twice the mean of the prediction, or 1 if that is less.
        public var adaptive: Double
        /// At each threshold t of 0…255: the map is foreground where ⌊255·p⌋ ≥ t.
        public var values: [Double]

        public var mean: Double { values.reduce(0, +) / Double(max(1, values.count)) }
        public var maximum: Double { values.max() ?? 0 }
    }

    /// Scores one image. Both maps are 8-bit, row-major; the truth is foreground above 128, and the prediction is
    /// stretched to its own range.
    ///
    /// Throws `EvaluationError` (`sizeMismatch`, `emptyInput`).
    public init(prediction: [UInt8], truth: [UInt8], width: Int, height: Int) throws {
        let pair = try MaskPair(prediction: prediction, truth: truth, width: width, height: height)
        let errors = pair.sum(over: pair.foreground) { 1 - $0 } + pair.sum(over: pair.background) { $0 }
        meanAbsoluteError = errors / Double(pair.count)
        structureMeasure = pair.structureMeasure
        weightedFMeasure = pair.weightedFMeasure
        (alignment, dice, intersectionOverUnion) = pair.thresholdCurves
    }
}
