import NeuralNetwork

/// Where in an image a trained ToCo network sees the finding, and how sure it is that it is there.
///
///     let localiser = try ToCoLocaliser(parameters, configuration: c, normalisation: n, precision: .bfloat16)
///     ComputeThreads.set(1)                                    // on each slot's thread
///     let seen = try localiser.localise(rgb: bytes, height: 448, width: 448)
///
/// Immutable and Sendable: make one for each set of parameters and share it among slots. The encoder's large weights are
/// kept only as kernels take them, packed once for all threads. What an image gives does not depend on the thread or on the number of slots.
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

    /// Projection heads among `parameters` are passed over: they serve training alone.
    ///
    /// Throws `ParameterError.missingTensors` where `parameters` do not fit `configuration`, and
    /// `EngineError.unsupported` for bf16 on a processor without it.
    public convenience init(
        _ parameters: ParameterSet, configuration: ToCoConfiguration, normalisation: ColourNormalisation,
        maps: MultiScaleMaps = .writing, precision: Precision = .float32
    ) throws {
        var configuration = configuration
        configuration.hasProjections = false
        try self.init(
            Self.network(parameters, configuration), normalisation: normalisation, maps: maps, precision: precision)
    }

    /// Takes over a network, which nobody else may use any more: a part of its weights is let go.
    package init(
        _ network: sending ToCoNetwork, normalisation: ColourNormalisation, maps: MultiScaleMaps = .writing,
        precision: Precision = .float32
    ) throws {
        guard precision == .float32 || EngineSetup.hasBFloat16 else {
            throw EngineError(
                .unsupported, "this processor (\(EngineSetup.instructionSet)) does not multiply bf16: use float32")
        }
        configuration = network.configuration
        self.normalisation = normalisation
        self.maps = maps
        self.precision = precision
        try network.encoder.keepOnlyPacked(precision: precision)
        self.network = Frozen(network)
    }

    private static func network(
        _ parameters: ParameterSet, _ configuration: ToCoConfiguration
    ) throws -> sending ToCoNetwork {
        let network = try ToCoNetwork(configuration, seed: nil)
        try network.loadCheckpoint(parameters)
        return network
    }

    /// One image, row after row, 8-bit red, green, blue; the reference's are brought to 448×448 before.
    ///
    /// Throws `EngineError.shapeMismatch` where `rgb` has another length, or the image is smaller than a patch at the
    /// smallest scale.
    public func localise(rgb: [UInt8], height: Int, width: Int) throws -> Localisation {
        let images = try Tensor.images(rgb: rgb, count: 1, height: height, width: width, normalisation: normalisation)
        let pass = ForwardPass(.evaluation, precision: precision)
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
        let pass = ForwardPass(.evaluation, precision: precision)
        return try network { network in
            let logits = try network.classLogits(network.features(images, pass).map, pass)
            return Float(1 / (1 + Double.exponential(-logits.values[0])))
        }
    }
}
