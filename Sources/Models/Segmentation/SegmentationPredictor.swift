import NeuralNetwork

/// Says how much each pixel belongs to a polyp. Its weights never change; they are packed once, and any number of threads
/// may share it.
public final class SegmentationPredictor: Sendable {
    public let kind: SegmentationKind
    private let network: Frozen<any SegmentationNetwork>
    public let precision: Precision
    private let quantised: QuantisedNetwork?

    /// With a calibration, linear layers and convolutions compute in 8 bits where it says so, and everything else in
    /// `precision`.
    ///
    /// A calibration of the network carries its family's name.
    ///
    /// Throws `ParameterError.missingTensors` where `parameters` are not those of the kind, `EngineError.unsupported` for
    /// bf16 or 8 bits on a processor without them, `.invalidOption` for a calibration of other weights.
    public init(
        _ parameters: ParameterSet, _ kind: SegmentationKind, precision: Precision, calibration: Calibration? = nil
    ) throws {
        let made = try kind.network(seed: nil)
        try made.load(parameters)
        quantised = try calibration.map {
            try QuantisedNetwork($0, of: made, named: kind.family.name, parameters: parameters)
        }
        network = Frozen(made)
        self.kind = kind
        self.precision = precision
    }

    /// The sigmoid of the network's prediction, brought to `height` × `width`; where the family says so, each image's numbers
    /// stretched to [0, 1] (docs/Method.md, section 5): N,height,width,1.
    ///
    /// `images` is N,H,W,3 normalised by ImageNet's constants, its sides multiples of the family's `sideMultiple`.
    public func callAsFunction(_ images: Tensor, height: Int, width: Int) throws -> Tensor {
        let pass = ForwardPass(inferringIn: precision, quantised)
        let logits = try network { try $0.prediction(of: $0.maps(images, pass), pass) }
        let shares = try pass.sigmoid(pass.resized(logits, height: height, width: width, alignsCorners: false))
        return kind.family.stretchesPredictions ? try Self.stretched(shares) : shares
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
