import Foundation
import Models
import NeuralNetwork

/// Settings of the stage `features`.
public struct FeaturesSettings: Sendable, Hashable, Codable {
    public var encoder = EncoderKind(EfficientNetLiteSize.efficientNetLite0)
    /// The encoder's parameters on the coordinator's host: a path, or a name that `endoked weights` knows; absent: ImageNet's
    /// of this encoder, as published. `random` is an encoder that has learnt nothing, to compare with.
    public var weights: String?
    /// Side of the square input in pixels; absent: that of the published weights.
    public var imageSize: Int?
    /// Whether an image's features are the mean of its own and its mirror image's.
    public var mirrored = false
    /// fp32 or bf16.
    public var precision = MILScoreSettings.Arithmetic.fp32
    /// Colours are brought to (value / 255 − mean) / deviation; absent: as the published weights take them.
    public var mean: [Float]?
    public var deviation: [Float]?
    public var splits = ["train", "val", "test"]
    public var studiesPerShard = 16
    public var isReducedDecodeAllowed = true

    /// What stands for no weights at all.
    static let random = "random"

    public init() {}

    init(_ settings: StageSettings, stage: String) throws {
        self = try settings.laid(
            over: FeaturesSettings(), optional: ["weights", "imageSize", "mean", "deviation"], stage: stage)
        try MILScoreSettings.check(splits, stage: stage)
        var faults: [String] = []
        if !((32...2048).contains(side) && side % encoder.sideMultiple == 0) {
            let multiple = encoder.sideMultiple
            faults.append("imageSize is 32 to 2048" + (multiple > 1 ? ", a multiple of \(multiple) for \(encoder.rawValue)" : ""))
        }
        if studiesPerShard < 1 { faults.append("studiesPerShard is at least 1") }
        if (mean == nil) != (deviation == nil) { faults.append("mean and deviation are given together") }
        if (try? normalisation()) == nil { faults.append("mean and deviation have three numbers, deviations above 0") }
        guard faults.isEmpty else {
            throw StageError(.invalidSettings, "stage \(stage): " + faults.joined(separator: "; "))
        }
    }

    var side: Int { imageSize ?? encoder.publishedSide }

    func normalisation() throws -> ColourNormalisation {
        guard let mean, let deviation else { return encoder.publishedColours }
        return try ColourNormalisation(mean: mean, deviation: deviation)
    }

    /// The file of the encoder's parameters, by name or path; nil for random ones.
    /// - Throws: `StageError.invalidSettings` where none is named and none is published.
    func file(stage: String) throws -> String? {
        if weights == Self.random { return nil }
        if let weights { return weights }
        guard let published = PublishedWeights.ofEncoder(encoder) else {
            throw StageError(
                .invalidSettings,
                "stage \(stage): no weights of \(encoder.rawValue) are known by name: give `weights`, a path, or \"random\"")
        }
        return published.name
    }
}
