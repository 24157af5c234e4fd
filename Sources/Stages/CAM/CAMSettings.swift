import Foundation
import NeuralNetwork

/// Settings of the stage `cam`.
public struct CAMSettings: Sendable, Hashable, Codable {
    /// Images are mapped from this probability of the student on.
    public var threshold = 0.8
    public var studies = Studies.positive
    public var splits = ["train", "val", "test"]
    /// Side of the network's input at scale 1; absent: as it was trained.
    public var imageSize: Int?
    /// Sizes at which an image is looked at, as factors of `imageSize`.
    public var scales: [Double] = [1]
    /// Mirrored views at each scale: 1 none, 2 left–right, 4 also upside down.
    public var views = 4
    /// How views of one scale are joined. Scales are added up. A network looks a little beside what it finds, to a side
    /// that its training decided; the mean over all four mirrored views puts the map back in its place, where the maximum
    /// spreads it out (boxes with IoU ≥ 0.3 of the synthetic archive's training studies: 0.88 against 0.56).
    public var merge = Merge.mean
    /// How the student's verdict is brought to places of the image.
    public var map = Map.gradient
    /// Of `gradient`, where the map's range begins. At `median`, what speaks against a polyp counts as well, and half of the image is
    /// ground by definition: a map of a real image has no place where nothing at all speaks for a polyp.
    public var baseline = Baseline.minimum
    /// Foreground is what lies above this share of the map's range.
    public var foreground: Float = 0.5
    /// Which of the foreground's components count: all, of which the largest is boxed, or the one around the map's peak.
    public var component = Component.all
    /// Boxes are kept from this share of the image's area …
    public var minimumArea = 0.01
    /// … to this one, exclusive both …
    public var maximumArea = 0.35
    /// … with at most this many components of foreground …
    public var maximumComponents = 2
    /// … and, if so said, nothing at the image's border.
    public var refusesBorder = true
    public var precision = InferencePrecision.fp32
    /// As of `mil-score`.
    public var calibration: String?
    /// As of `mil-score`, and of the same network to be of use.
    public var weights: String?
    public var imagesPerShard = 48
    /// Whether overlays to look at are made …
    public var overlays = true
    /// … and where they go: they show the frames themselves. `central` needs workers that allow it (`--allow-pictures`).
    public var pictures = FramePicture.Place.local

    public enum Studies: String, Sendable, Hashable, NamedChoice {
        /// Those whose report says that there is a polyp.
        case positive
        case all

        /// What chooses them.
        var needs: [StageNeed] {
            self == .positive ? [StageNeed(.labels, or: "take them all (`studies: \"all\"`)")] : []
        }
    }

    public enum Map: String, Sendable, Hashable, NamedChoice {
        /// Grad-CAM: the gradient of the student's logit at the image's mean features.
        case gradient
        /// The student asked at each position (`MILScorer.localMap`).
        case local
    }

    public enum Merge: String, Sendable, Hashable, NamedChoice { case max, mean }
    public enum Baseline: String, Sendable, Hashable, NamedChoice { case minimum, median }
    public enum Component: String, Sendable, Hashable, NamedChoice { case all, peak }

    public init() {}

    init(_ settings: StageSettings, stage: String) throws {
        self = try settings.laid(over: CAMSettings(), optional: ["imageSize", "calibration", "weights"], stage: stage)
        try InferencePrecision.check(precision, calibration: calibration, stage: stage)
        try MILScoreSettings.check(splits, stage: stage)
        var faults: [String] = []
        func require(_ holds: Bool, _ fault: String) { if !holds { faults.append(fault) } }
        require((0...1).contains(threshold), "threshold is a probability")
        require(imageSize.map { (32...4096).contains($0) } ?? true, "imageSize is 32 to 4096")
        require(!scales.isEmpty && scales.allSatisfy { (0.25...4).contains($0) }, "scales are 0.25 to 4")
        require([1, 2, 4].contains(views), "views is 1, 2 or 4")
        require(foreground > 0 && foreground < 1, "foreground lies between 0 and 1")
        require(map == .gradient || baseline == .minimum, "baseline is for `map: \"gradient\"`")
        faults += filter.faults
        require(imagesPerShard >= 1, "imagesPerShard is at least 1")
        guard faults.isEmpty else {
            throw StageError(.invalidSettings, "stage \(stage): " + faults.joined(separator: "; "))
        }
    }
}

extension CAMSettings: FiltersBoxes, ImageStageSettings {}
