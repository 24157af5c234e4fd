import Foundation
import NeuralNetwork

/// Says how likely each image shows something neoplastic. Its weights never change; any number of threads may share it.
public final class BiopsyClassifier: Sendable {
    private let extractor: FeatureExtractor
    private let head: Frozen<BiopsyHead>

    /// - Throws: `ParameterError.missingTensors` where they are not those of the kind, `EngineError.unsupported` for bf16 on a
    ///   processor without it.
    public init(_ parameters: ParameterSet, _ kind: EncoderKind, normalisation: ColourNormalisation, precision: Precision) throws {
        extractor = try FeatureExtractor(
            parameters.below("encoder."), kind: kind, normalisation: normalisation, precision: precision)
        let made = try BiopsyHead(features: kind.features)
        try made.load(parameters.below("biopsy."))
        head = Frozen(made)
    }

    /// The probability of the class neoplastic for each of `count` images. `rgb` is image after image, row after row, 8-bit
    /// red, green, blue, squares of `side` pixels.
    public func probabilities(rgb: [UInt8], count: Int, side: Int) throws -> [Double] {
        guard count > 0 else { return [] }
        let features = try extractor.features(rgb: rgb, count: count, height: side, width: side)
        let rows = try Tensor(features, shape: [count, extractor.kind.features])
        let logits = try head { try $0(rows, ForwardPass(inferringIn: extractor.precision, nil)) }
        let margins = logits.withValues { values in
            (0..<count).map { (image: Int) -> Double in Double(values[2 * image]) - Double(values[2 * image + 1]) }
        }
        return margins.map { 1 / (1 + exp($0)) }
    }
}
