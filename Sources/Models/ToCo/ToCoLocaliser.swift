import NeuralNetwork

/// Where in an image a trained ToCo network sees the finding, and how sure it is that it is there.
///
///     let localiser = try ToCoLocaliser(parameters, configuration: c, normalisation: n, precision: .bfloat16)
///     ComputeThreads.set(1)                                    // on each slot's thread
///     let seen = try localiser.localise(rgb: bytes, height: 448, width: 448)
///
/// Immutable and Sendable: make one for each set of parameters and share it among slots. The encoder's large weights are
/// kept only as kernels take them, packed once for all threads. What an image gives does not depend on the thread or on the
/// number of slots.
public final class ToCoLocaliser: Sendable {
    /// What one image gave.
    public struct Localisation: Sendable, Hashable {
        public let height: Int
        public let width: Int
        /// The map of the main classifier, row after row, in [0, 1] whatever the probability is.
        public let map: [Float]
        /// That of the auxiliary classifier.
        public let auxiliary: [Float]
        /// That the image shows the finding.
        public let probability: Float
    }

    public let configuration: ToCoConfiguration
    public let normalisation: ColourNormalisation
    public let maps: MultiScaleMaps
    public let precision: Precision
    private let network: Frozen<ToCoNetwork>
    /// Of the encoder's linear layers and convolutions.
    private let quantised: QuantisedNetwork?
    /// A calibration of this network says so.
    public static let calibratedNetwork = "toco"

    /// Projection heads among `parameters` are passed over: they serve training alone. With a calibration the encoder's
    /// layers compute in 8 bits where it says so, and everything else in `precision`.
    ///
    /// Throws `ParameterError.missingTensors` where `parameters` do not fit `configuration`, `EngineError.unsupported` for
    /// bf16 or 8 bits on a processor without them, and `.invalidOption` for a calibration of other weights.
    public convenience init(
        _ parameters: ParameterSet, configuration: ToCoConfiguration, normalisation: ColourNormalisation,
        maps: MultiScaleMaps = .writing, precision: Precision = .float32, calibration: Calibration? = nil
    ) throws {
        var configuration = configuration
        configuration.hasProjections = false
        let network = try ToCoNetwork(configuration, seed: nil)
        try network.loadCheckpoint(parameters)
        let quantised = try calibration.map {
            try QuantisedNetwork($0, of: network, named: Self.calibratedNetwork, parameters: parameters)
        }
        try self.init(network, normalisation: normalisation, maps: maps, precision: precision, quantised: quantised)
    }

    /// Takes over a network, which nobody else may use any more: a part of its weights is let go.
    package init(
        _ network: sending ToCoNetwork, normalisation: ColourNormalisation, maps: MultiScaleMaps = .writing,
        precision: Precision = .float32, quantised: QuantisedNetwork? = nil
    ) throws {
        try precision.requireProcessor(or: "use float32")
        configuration = network.configuration
        self.normalisation = normalisation
        self.maps = maps
        self.precision = precision
        self.quantised = quantised
        try network.encoder.keepOnlyPacked(precision: precision, quantised)
        self.network = Frozen(network)
    }

    private var pass: ForwardPass { ForwardPass(inferringIn: precision, quantised) }

    /// One image, row after row, 8-bit red, green, blue; the reference's are brought to 448×448 before.
    ///
    /// Throws `EngineError.shapeMismatch` where `rgb` has another length, or the image is smaller than a patch at the
    /// smallest scale.
    public func localise(rgb: [UInt8], height: Int, width: Int) throws -> Localisation {
        let images = try Tensor.images(rgb: rgb, count: 1, height: height, width: width, normalisation: normalisation)
        let pass = pass
        return try network { network in
            let seen = try maps(network, images, pass)
            return Localisation(
                height: height, width: width, map: seen.maps.main.values, auxiliary: seen.maps.auxiliary.values,
                probability: Float(1 / (1 + Double.exponential(-seen.logits[0]))))
        }
    }

    /// The probability alone, from the image as it is: one pass instead of two a scale.
    public func probability(rgb: [UInt8], height: Int, width: Int) throws -> Float {
        let images = try Tensor.images(rgb: rgb, count: 1, height: height, width: width, normalisation: normalisation)
        let pass = pass
        return try network { network in
            let logits = try network.classLogits(network.features(images, pass).map, pass)
            return Float(1 / (1 + Double.exponential(-logits.values[0])))
        }
    }
}
