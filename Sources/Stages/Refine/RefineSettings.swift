import Foundation
import Imaging

/// Settings of the stage `refine`. Whose maps it reads, `from: {masks: STEP}` says; by default the nearest `segment`'s.
public struct RefineSettings: Sendable, Hashable, Codable {
    public var splits = ["train", "val", "test"]
    /// Images are refined from this probability of the student on: a network that has only seen polyps draws one into every
    /// image. At 0 all are, scored or not.
    public var minimumScore = 0.0
    /// Foreground is what lies above this share of the map's range.
    public var threshold: Float = 0.5
    /// What of the foreground becomes the mask.
    public var shape = MaskShape.largest
    /// Of the pixels that the map gives at least 0.2, this share must have at least 0.8 for the mask to be learnt from: where the
    /// network is not sure of an outline, it lies far off. (Segment Anything's stability score, Kirillov et al. 2023, section 5.)
    public var minimumStability = 0.0
    /// Boxes are kept from this share of the image's area …
    public var minimumArea = 0.01
    /// … to this one, exclusive both …
    public var maximumArea = 0.35
    /// … with at most this many components of foreground …
    public var maximumComponents = 2
    /// … and, if so set, nothing at the image's border.
    public var refusesBorder = false
    public var imagesPerShard = 48
    /// Whether overlays to look at are made …
    public var overlays = true
    /// … and where they go: they show the frames themselves. `central` needs workers that allow it (`--allow-pictures`).
    public var pictures = FramePicture.Place.local

    public init() {}

    init(_ settings: StageSettings, stage: String) throws {
        self = try settings.laid(over: RefineSettings(), optional: [], stage: stage)
        try MILScoreSettings.check(splits, stage: stage)
        let faults =
            filter.faults + ((0...1).contains(minimumScore) ? [] : ["minimumScore is a probability"])
            + ((0...1).contains(minimumStability) ? [] : ["minimumStability is 0 to 1"])
            + (threshold > 0 && threshold < 1 ? [] : ["threshold lies between 0 and 1"])
            + (imagesPerShard >= 1 ? [] : ["imagesPerShard is at least 1"])
        guard faults.isEmpty else {
            throw StageError(.invalidSettings, "stage \(stage): " + faults.joined(separator: "; "))
        }
    }
}

extension RefineSettings: FiltersBoxes, ImageStageSettings {
    package var calibration: String? { nil }
}
