import Foundation
import NeuralNetwork

/// Settings of the stage `biopsy`. Network and input are those of `biopsy-train`, or of the file in `weights`.
public struct BiopsySettings: Sendable, Hashable, Codable {
    public var studies = CAMSettings.Studies.positive
    public var splits = ["train", "val", "test"]
    /// Which images of a study are looked at, how many at most, and from which probability of the student on, as of
    /// `biopsy-train`.
    public var images = BiopsyTrainSettings.Images.scores
    public var imagesPerStudy = 3
    public var minimumScore = 0.5
    /// A diagnosis is given where its probability is at least this; otherwise it is left open.
    public var confidence = 0.5
    public var precision = MILScoreSettings.Arithmetic.fp32
    /// A biopsy network's parameters on the coordinator's host instead of those that the job trained, and the side of its
    /// input, where the file does not tell it.
    public var weights: String?
    public var imageSize: Int?
    public var studiesPerShard = 24

    public init() {}

    init(_ settings: StageSettings, stage: String) throws {
        self = try settings.laid(over: BiopsySettings(), optional: ["weights", "imageSize"], stage: stage)
        try WeightsFile.check(weights: weights, imageSize: imageSize, stage: stage)
        try MILScoreSettings.check(splits, stage: stage)
        var faults: [String] = []
        if !(1...1000).contains(imagesPerStudy) { faults.append("imagesPerStudy is 1 to 1000") }
        if !(0...1).contains(minimumScore) { faults.append("minimumScore is a probability") }
        if !(0.5...1).contains(confidence) { faults.append("confidence is a probability of at least 0.5") }
        if studiesPerShard < 1 { faults.append("studiesPerShard is at least 1") }
        guard faults.isEmpty else {
            throw StageError(.invalidSettings, "stage \(stage): " + faults.joined(separator: "; "))
        }
    }
}
