/// How well a binary mask agrees with its truth, by MedPy's definitions.
///
/// Where both masks are empty they agree: Dice and IoU are 1, HD95 is 0. Where one is, Dice and IoU are 0 and there is
/// no distance to measure: HD95 is nil. (MedPy gives 0 or fails.)
public struct BinaryMaskScore: Sendable, Equatable {
    public var truePositives: Int
    public var falsePositives: Int
    public var falseNegatives: Int
    public var trueNegatives: Int
    /// The 95th percentile of the distances, in pixels, from each mask's border to the other's; nil where one is empty.
    public var hausdorff95: Double?

    public var dice: Double {
        let sum = 2 * truePositives + falsePositives + falseNegatives
        return sum == 0 ? 1 : Double(2 * truePositives) / Double(sum)
    }

    public var intersectionOverUnion: Double {
        let union = truePositives + falsePositives + falseNegatives
        return union == 0 ? 1 : Double(truePositives) / Double(union)
    }

    /// Correct pixels over all.
    public var pixelAccuracy: Double {
        let total = truePositives + falsePositives + falseNegatives + trueNegatives
        return total == 0 ? 0 : Double(truePositives + trueNegatives) / Double(total)
    }

    /// The mean of the foreground's and the background's IoU; a class that neither mask has counts 1.
    public var meanIntersectionOverUnion: Double {
        let union = trueNegatives + falsePositives + falseNegatives
        return (intersectionOverUnion + (union == 0 ? 1 : Double(trueNegatives) / Double(union))) / 2
    }

    /// Scores two masks, row-major, foreground where they are `threshold` or more.
    ///
    /// Without `measuringDistance` HD95 stays nil: it takes most of the time.
    /// Throws `EvaluationError` (`sizeMismatch`, `emptyInput`).
    public init(
        prediction: [UInt8], truth: [UInt8], width: Int, height: Int, threshold: UInt8 = 128,
        measuringDistance: Bool = true
    ) throws {
        guard width > 0, height > 0 else {
            throw EvaluationError(.emptyInput, "a mask of \(width)×\(height) pixels cannot be scored")
        }
        guard prediction.count == width * height, truth.count == width * height else {
            throw EvaluationError(
                .sizeMismatch,
                "prediction (\(prediction.count) pixels) and truth (\(truth.count)) are not both \(width)×\(height)")
        }
        let predicted = prediction.map { $0 >= threshold }
        let actual = truth.map { $0 >= threshold }
        self.init(prediction: predicted, truth: actual)
        hausdorff95 =
            measuringDistance ? SurfaceDistance.percentile95(predicted, actual, width: width, height: height) : nil
    }

    /// Counts two masks pixel by pixel, in any order that is the same for both, as far as the shorter goes; HD95 stays nil.
    public init(prediction: some Sequence<Bool>, truth: some Sequence<Bool>) {
        (truePositives, falsePositives, falseNegatives, trueNegatives) = (0, 0, 0, 0)
        for pixel in zip(prediction, truth) {
            switch pixel {
            case (true, true): truePositives += 1
            case (true, false): falsePositives += 1
            case (false, true): falseNegatives += 1
            case (false, false): trueNegatives += 1
            }
        }
    }
}
