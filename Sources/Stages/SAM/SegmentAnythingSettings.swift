import Foundation
import Imaging
import NeuralNetwork

/// Settings of the stage `sam`. The network reads images at the one size that it was made for.
public struct SegmentAnythingSettings: Sendable, Hashable, Codable {
    /// Required: a file of Segment Anything (ViT-B, -L or -H, which is the method's) or MobileSAM on the coordinator's host.
    public var weights = ""
    /// Where the boxes that prompt come from.
    public var boxes = Boxes.cam
    /// Whether only boxes that passed that stage's filters prompt, which pseudo-labels need. Otherwise every box that was
    /// drawn, for evaluation.
    public var kept = true
    /// Only images of this probability of the student prompt; at 0 all that have a box.
    public var minimumScore = 0.0
    /// Masks are kept whose own box and the box that prompted have this IoU …
    public var minimumAgreement = 0.0
    /// … which cover this share of their own box …
    public var minimumFill = 0.0
    /// … and whose IoU with the truth the network itself foresees to be this. Others are drawn, and their box says why nobody
    /// should learn from them.
    public var minimumPredictedIoU = 0.0
    /// What of the network's mask becomes the pseudo-label.
    public var shape = MaskShape.drawn
    public var splits = ["train", "val", "test"]
    public var precision = InferencePrecision.fp32
    /// As of `mil-score`.
    public var calibration: String?
    /// Few: ViT-H takes seconds an image.
    public var imagesPerShard = 8
    /// Whether overlays to look at are made …
    public var overlays = true
    /// … and where they go: they show the frames themselves. `central` needs workers that allow it (`--allow-pictures`).
    public var pictures = FramePicture.Place.local

    public enum Boxes: String, Sendable, Hashable, NamedChoice {
        case cam
        case toCoCAM = "toco-cam"
        /// Round each polyp of the masks that the archive brings along: what a checkpoint makes of boxes that are right,
        /// whatever the maps find.
        case truth

        /// What an earlier step leaves of them, where `from` names no step; nil where none does.
        var product: Product? { self == .truth ? nil : Product(.boxes, rawValue) }
    }

    public init() {}

    init(_ settings: StageSettings, stage: String) throws {
        self = try settings.laid(over: SegmentAnythingSettings(), optional: ["calibration"], stage: stage)
        guard !weights.isEmpty else {
            throw StageError(
                .invalidSettings,
                "stage \(stage) needs `weights`: a file of Segment Anything or MobileSAM on the coordinator's host")
        }
        try InferencePrecision.check(precision, calibration: calibration, stage: stage)
        try MILScoreSettings.check(splits, stage: stage)
        guard imagesPerShard >= 1, [minimumScore, minimumAgreement, minimumFill, minimumPredictedIoU].allSatisfy((0...1).contains)
        else {
            throw StageError(
                .invalidSettings,
                "stage \(stage): imagesPerShard is at least 1; minimumScore, minimumAgreement, minimumFill and minimumPredictedIoU "
                    + "are shares")
        }
        guard boxes != .truth || minimumScore == 0 else {
            throw StageError(.invalidSettings, "stage \(stage): minimumScore is for boxes that an earlier step drew")
        }
    }
}

extension SegmentAnythingSettings: ImageStageSettings {}
