import Foundation
import NeuralNetwork

/// Settings of the stage `mil-score`. Sizes of the network and of its input are those of `mil-train`, or of the file in
/// `weights`.
public struct MILScoreSettings: Sendable, Hashable, Codable {
    public var studiesPerShard = 12
    /// `images`, or `features` of an earlier step, made with this very network's encoder: no image is read again.
    public var input = MILTrainSettings.Input.images
    public var precision = InferencePrecision.fp32
    /// For precision int8: a file of `endoked calibrate` on the coordinator's host, of the very weights that are run.
    public var calibration: String?
    /// A MIL network's parameters on the coordinator's host, instead of those that the job trained; and the side of its
    /// input, where the file does not tell it.
    public var weights: String?
    public var imageSize: Int?
    /// Which studies are scored.
    public var splits = ["train", "val", "test"]
    public var isReducedDecodeAllowed = true

    public enum Arithmetic: String, Sendable, Hashable, NamedChoice {
        case fp32, bf16

        var precision: Precision { self == .fp32 ? .float32 : .bfloat16 }

        public static func hint(for unknown: String) -> String? {
            unknown == "int8" ? "int8 is offered by mil-score, cam, toco-cam, sam and segment" : nil
        }
    }

    public init() {}

    init(_ settings: StageSettings, stage: String) throws {
        self = try settings.laid(over: MILScoreSettings(), optional: ["calibration", "weights", "imageSize"], stage: stage)
        try InferencePrecision.check(precision, calibration: calibration, stage: stage)
        try WeightsFile.check(weights: weights, imageSize: imageSize, stage: stage)
        guard studiesPerShard > 0 else {
            throw StageError(.invalidSettings, "stage \(stage): studiesPerShard is at least 1")
        }
        try Self.check(splits, stage: stage)
    }

    static func check(_ splits: [String], stage: String) throws {
        guard !splits.isEmpty, splits.allSatisfy({ ["train", "val", "test"].contains($0) }) else {
            throw StageError(.invalidSettings, "stage \(stage): splits is a list of train, val, test")
        }
    }
}
