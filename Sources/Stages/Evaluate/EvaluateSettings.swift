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
    /// Optical biopsy gives a diagnosis where its probability is at least this; otherwise it leaves it open.
    public var confidence = 0.7
    /// How many studies one shard compares with their truth.
    public var studiesPerShard = 200

    public init() {}

    init(_ settings: StageSettings, stage: String) throws {
        self = try settings.laid(over: EvaluateSettings(), optional: [], stage: stage)
        try MILScoreSettings.check(splits, stage: stage)
        guard hitOverlap > 0, hitOverlap <= 1, (0...1).contains(threshold), (100...100_000).contains(resamples),
            (1...10_000).contains(studiesPerShard), (0.5...1).contains(confidence)
        else {
            throw StageError(
                .invalidSettings,
                "stage \(stage): hitOverlap is above 0 up to 1, threshold a probability, resamples 100 to 100000, "
                    + "studiesPerShard 1 to 10000, confidence 0.5 to 1")
        }
    }
}
