import Foundation
import NeuralNetwork

/// Says how likely each image shows something neoplastic. Its weights never change; any number of threads may share it.
public final class BiopsyClassifier: Sendable {
    public let kind: EncoderKind
    private let normalisation: ColourNormalisation
    private let precision: Precision
    private let network: Frozen<BiopsyNetwork>

    /// - Throws: `ParameterError.missingTensors` where they are not those of the kind, `EngineError.unsupported` for bf16 on a
    ///   processor without it.
    public init(_ parameters: ParameterSet, _ kind: EncoderKind, normalisation: ColourNormalisation, precision: Precision) throws {
        guard precision == .float32 || EngineSetup.hasBFloat16 else {
            throw EngineError(
                .unsupported, "this processor (\(EngineSetup.instructionSet)) does not multiply bf16: use float32")
        }
        let made = try BiopsyNetwork(kind, seed: nil)
        try made.load(parameters)
        (self.kind, self.normalisation, self.precision) = (kind, normalisation, precision)
        network = Frozen(made)
    }

    /// The probability of the class neoplastic for each of `count` images. `rgb` is image after image, row after row, 8-bit
    /// red, green, blue, squares of `side` pixels.
    public func probabilities(rgb: [UInt8], count: Int, side: Int) throws -> [Double] {
        guard count > 0 else { return [] }
        let images = try Tensor.images(rgb: rgb, count: count, height: side, width: side, normalisation: normalisation)
        let logits = try network { try $0(images, ForwardPass(inferringIn: precision, nil)) }
        let margins = logits.withValues { values in
            (0..<count).map { (image: Int) -> Double in Double(values[2 * image]) - Double(values[2 * image + 1]) }
        }
        return margins.map { 1 / (1 + exp($0)) }
    }
}
