import Foundation
import Imaging

/// Settings of the stage `segment`. Size and input are those of `segment-train`, or of the file in `weights`.
public struct SegmentSettings: Sendable, Hashable, Codable {
    public var studies = CAMSettings.Studies.positive
    public var splits = ["train", "val", "test"]
    /// Images are looked at from this probability of the student on: a network that has only seen polyps draws one into every
    /// image. At 0 all are, scored or not.
    public var minimumScore = 0.0
    /// Sizes at which an image is looked at, as factors of the network's input; what is said at each is averaged …
    public var scales: [Double] = [1]
    /// … as is what is said of mirrored views: 1 none, 2 left–right, 4 also upside down.
    public var views = 1
    /// A pixel is foreground from this share on.
    public var foreground: Float = 0.5
    /// What of the foreground becomes the mask; the map stays as it is.
    public var shape = MaskShape.drawn
    public var precision = InferencePrecision.fp32
    /// As of `mil-score`.
    public var calibration: String?
    /// A segmentation network's parameters on the coordinator's host, official or a job's, instead of those that the job trained; and
    /// the side of its input, where the file does not tell it.
    public var weights: String?
    public var imageSize: Int?
    public var imagesPerShard = 48
    /// Whether overlays to look at are made …
    public var overlays = true
    /// … and where they go: they show the frames themselves. `central` needs workers that allow it (`--allow-pictures`).
    public var pictures = FramePicture.Place.local

    public init() {}

    var looks: SegmentationViews { SegmentationViews(scales: scales, mirrored: views) }

    init(_ settings: StageSettings, stage: String) throws {
        self = try settings.laid(over: SegmentSettings(), optional: ["calibration", "weights", "imageSize"], stage: stage)
        try InferencePrecision.check(precision, calibration: calibration, stage: stage)
        try WeightsFile.check(weights: weights, imageSize: imageSize, stage: stage)
        try MILScoreSettings.check(splits, stage: stage)
        guard foreground > 0, foreground < 1, imagesPerShard >= 1, (0...1).contains(minimumScore) else {
            throw StageError(
                .invalidSettings,
                "stage \(stage): foreground lies between 0 and 1, imagesPerShard is at least 1, minimumScore is a probability")
        }
        let faults = looks.faults
        guard faults.isEmpty else {
            throw StageError(.invalidSettings, "stage \(stage): " + faults.joined(separator: "; "))
        }
    }
}

extension SegmentSettings: ImageStageSettings {}
