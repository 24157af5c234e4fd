import NeuralNetwork

/// Says how much each pixel belongs to a polyp. Its weights never change; they are packed once, and any number of threads
/// may share it.
public final class PolypPVTPredictor: Sendable {
    private let network: Frozen<PolypPVT>
    public let precision: Precision
    private let quantised: QuantisedNetwork?
    /// A calibration of this network says so.
    public static let calibratedNetwork = "polyp-pvt"

    /// With a calibration, linear layers and convolutions compute in 8 bits where it says so, and everything else in
    /// `precision`.
    ///
    /// Throws `ParameterError.missingTensors` where `parameters` are not those of the size, `EngineError.unsupported` for
    /// bf16 or 8 bits on a processor without them, `.invalidOption` for a calibration of other weights.
    public init(
        _ parameters: ParameterSet, _ size: PVTSize = .b2, precision: Precision, calibration: Calibration? = nil
    ) throws {
        let made = try PolypPVT(size, seed: nil)
        try made.load(parameters)
        quantised = try calibration.map {
            try QuantisedNetwork($0, of: made, named: Self.calibratedNetwork, parameters: parameters)
        }
        network = Frozen(made)
        self.precision = precision
    }

    /// The sigmoid of both outputs' sum, brought to `height` × `width`, and each image's numbers stretched to [0, 1]
    /// (docs/Method.md, section 5): N,height,width,1.
    ///
    /// `images` is N,H,W,3 normalised by ImageNet's constants, its sides divisible by 32.
    public func callAsFunction(_ images: Tensor, height: Int, width: Int) throws -> Tensor {
        let pass = ForwardPass(inferringIn: precision, quantised)
        let outputs = try network { try $0(images, pass) }
        let logits = try pass.sum(outputs.first, outputs.second)
        let shares = try pass.sigmoid(pass.resized(logits, height: height, width: width, alignsCorners: false))
        return try Self.stretched(shares)
    }

    /// (x − min) / (max − min + 1e-8), image by image.
    private static func stretched(_ x: Tensor) throws -> Tensor {
        let pixels = x.count / x.shape[0]
        return try Tensor.filled(x.shape) { memory in
            x.withValues { values in
                for start in stride(from: 0, to: values.count, by: pixels) {
                    var (low, high) = (values[start], values[start])
                    for place in start..<start + pixels {
                        low = min(low, values[place])
                        high = max(high, values[place])
                    }
                    let factor = 1 / (high - low + 1e-8)
                    for place in start..<start + pixels { memory[place] = (values[place] - low) * factor }
                }
            }
        }
    }
}
