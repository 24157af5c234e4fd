import Foundation

/// Settings of the stage `evaluate`.
public struct EvaluateSettings: Sendable, Hashable, Codable {
    /// Each is a data set of its own in the rows.
    public var splits = ["test"]
    /// A box hits its polyp from this IoU on.
    public var hitOverlap = 0.3
    /// An image counts as found by the student from this probability on: true-positive images are those found that show a
    /// polyp.
    public var threshold = 0.5
    /// Resamples of studies for confidence intervals.
    public var resamples = 1000

    public init() {}

    init(_ settings: StageSettings, stage: String) throws {
        self = try settings.laid(over: EvaluateSettings(), optional: [], stage: stage)
        try MILScoreSettings.check(splits, stage: stage)
        guard hitOverlap > 0, hitOverlap <= 1, (0...1).contains(threshold), (100...100_000).contains(resamples) else {
            throw StageError(
                .invalidSettings,
                "stage \(stage): hitOverlap is above 0 up to 1, threshold a probability, resamples 100 to 100000")
        }
    }
}
