import Foundation
import Imaging
import Models
import NeuralNetwork

/// Settings of the stage `toco-cam`. Network and input are those of `toco-train`, or of the file in `weights`.
public struct ToCoCAMSettings: Sendable, Hashable, Codable {
    /// Images are mapped from this probability of the MIL student on; at 0 all are, scored by `mil-score` or not.
    public var threshold = 0.8
    public var studies = CAMSettings.Studies.positive
    public var splits = ["train", "val", "test"]
    /// Whose map it is.
    public var map = Map.main
    /// Sizes at which an image is looked at, each with its mirror image.
    public var scales: [Double] = [1, 0.5, 0.75, 1.25, 1.5, 1.75]
    /// Foreground is what lies above this share of the map's range.
    public var foreground: Float = 0.65
    /// What makes the foreground follow the image's edges before its box is drawn.
    public var refinement = Refinement.none
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
    /// A ToCo network's parameters on the coordinator's host, official or a job's, instead of those that the job trained;
    /// and the side of its input, where the file does not tell it.
    public var weights: String?
    public var imageSize: Int?
    public var imagesPerShard = 48
    /// Whether overlays to look at are made …
    public var overlays = true
    /// … and where they go: they show the frames themselves. `central` needs workers that allow it (`--allow-pictures`).
    public var pictures = FramePicture.Place.local

    /// The classifier that draws the map.
    public enum Map: String, Sendable, Hashable, NamedChoice {
        /// That of the last block, after the final normalisation: the method's.
        case main
        /// That of the auxiliary layer. From random weights it was the steadier of the two: the last block's map lit up
        /// the wrong patches with some seeds, although the image's score was right.
        case auxiliary
    }

    public enum Refinement: String, Sendable, Hashable, NamedChoice {
        case none
        /// A dense conditional random field over the image's own pixels (`DenseCRF`, the method's option): the foreground
        /// found by the threshold is right with probability 0.7 (as Ahn et al., CVPR 2019, take such labels), and so is
        /// the background.
        case crf
    }

    public init() {}

    init(_ settings: StageSettings, stage: String) throws {
        self = try settings.laid(
            over: ToCoCAMSettings(), optional: ["calibration", "weights", "imageSize"], stage: stage)
        try InferencePrecision.check(precision, calibration: calibration, stage: stage)
        try WeightsFile.check(weights: weights, imageSize: imageSize, stage: stage)
        try MILScoreSettings.check(splits, stage: stage)
        var faults: [String] = []
        func require(_ holds: Bool, _ fault: String) { if !holds { faults.append(fault) } }
        require((0...1).contains(threshold), "threshold is a probability")
        require(!scales.isEmpty && scales.allSatisfy { (0.25...4).contains($0) }, "scales are 0.25 to 4")
        require(foreground > 0 && foreground < 1, "foreground lies between 0 and 1")
        require(imagesPerShard >= 1, "imagesPerShard is at least 1")
        faults += filter.faults
        guard faults.isEmpty else {
            throw StageError(.invalidSettings, "stage \(stage): " + faults.joined(separator: "; "))
        }
    }

    /// A map's foreground, refined where that is asked for.
    func foreground(of map: FloatImage, on image: Image8) throws -> Mask {
        let mask = Mask(map, above: foreground)
        guard refinement == .crf, mask.area > 0 else { return mask }
        let labels = try FloatImage(width: map.width, height: map.height, values: mask.bits.map { $0 ? 0.7 : 0.3 })
        return Mask(try DenseCRF().refined(labels, on: image), above: 0.5)
    }
}

extension ToCoCAMSettings: FiltersBoxes, ImageStageSettings {}
