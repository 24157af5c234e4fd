import NeuralNetwork

/// A trained MIL network, frozen for inference: what a scoring stage runs over archives.
///
///     let scorer = try MILScorer(parameters, configuration: c, normalisation: n, precision: .bfloat16)
///     ComputeThreads.set(1)                                  // on each slot's thread
///     let seen = try scorer.score(rgb: bytes, count: n, height: 512, width: 512)   // MILScores
///     let bag = try scorer.bag(features: seen.features)      // both teachers' verdict on the bag
///     let map = try scorer.activationMap(rgb: bytes, height: h, width: w)          // Grad-CAM of one image
///
/// Immutable and Sendable: make one for each set of parameters and share it among slots. Weights are packed on
/// first use, once for all threads; working memory is taken from a pool and given back. Scores do not depend on
/// which images are scored together, on the thread, or on the number of slots.
///
/// Images of one call have one size; any size from 32 pixels a side. They are processed a few at a time, so a call
/// with a whole bag needs no more memory than the bag's bytes and a few images' activations.
public final class MILScorer: Sendable {
    public let configuration: MILConfiguration
    public let normalisation: ColourNormalisation
    public let precision: Precision
    let network: Frozen<MILNetwork>
    /// Of the encoder's convolutions.
    private let quantised: QuantisedNetwork?
    /// A calibration of this network says so.
    public static let calibratedNetwork = "mil"

    /// With a calibration the encoder's convolutions compute in 8 bits where it says so, and everything else in `precision`.
    ///
    /// Throws `ParameterError.missingTensors` where `parameters` do not fit `configuration`, `EngineError.unsupported` for
    /// bf16 or 8 bits on a processor without them (`EngineSetup.hasBFloat16`, `hasInt8`), and `.invalidOption` for a
    /// calibration of other weights.
    public init(
        _ parameters: ParameterSet, configuration: MILConfiguration, normalisation: ColourNormalisation,
        precision: Precision = .float32, calibration: Calibration? = nil
    ) throws {
        try precision.requireProcessor(or: "use float32")
        let network = try MILNetwork(configuration, seed: 0)
        try network.load(parameters)
        quantised = try calibration.map {
            try QuantisedNetwork($0, of: network, named: Self.calibratedNetwork, parameters: parameters)
        }
        self.configuration = configuration
        self.normalisation = normalisation
        self.precision = precision
        self.network = Frozen(network)
    }

    /// A copy of `network` as it is now.
    public convenience init(
        _ network: MILNetwork, normalisation: ColourNormalisation, precision: Precision = .float32
    ) throws {
        try self.init(
            network.parameters(), configuration: network.configuration, normalisation: normalisation, precision: precision)
    }

    var pass: ForwardPass { ForwardPass(inferringIn: precision, quantised) }

    /// Scores of `count` images of one size. `rgb` is image after image, row after row, 8-bit red, green, blue.
    ///
    /// The teachers' scores are those of evaluation: an image's scores do not depend on the other images.
    /// Throws `EngineError.shapeMismatch` where `rgb` has another length or images are smaller than 32 pixels.
    public func score(rgb: [UInt8], count: Int, height: Int, width: Int) throws -> MILScores {
        try rgb.withUnsafeBytes { try score(rgb: $0, count: count, height: height, width: width) }
    }

    /// The same from memory that lies elsewhere.
    public func score(rgb: UnsafeRawBufferPointer, count: Int, height: Int, width: Int) throws -> MILScores {
        let features = try features(rgb: rgb, count: count, height: height, width: width)
        return try score(features: features)
    }

    /// Scores from features of the encoder, image after image.
    public func score(features: [Float]) throws -> MILScores {
        let rows = try rows(features)
        let student = try network { MILLosses.positiveProbabilities(try $0.student(rows, pass)) }
        let (attention, dsmil) = try bag(features: features)
        return MILScores(
            features: features, attention: attention.scores, dsmil: dsmil.scores, student: student,
            attentionBag: attention.bagProbability, dsmilBag: dsmil.bagProbability)
    }

    /// What both teachers say of the bag whose images have these features.
    public func bag(features: [Float]) throws -> (attention: MILBagOutput, dsmil: MILBagOutput) {
        let rows = try rows(features)
        return try network { network in
            (try MILBagOutput(network.attention(rows, pass)), try MILBagOutput(network.dsmil(rows, pass)))
        }
    }

    /// Features as n, features.
    func rows(_ features: [Float]) throws -> Tensor {
        let width = configuration.features
        guard !features.isEmpty, features.count % width == 0 else {
            throw EngineError(.shapeMismatch, "\(features.count) numbers are not feature vectors of \(width)")
        }
        return try Tensor(features, shape: [features.count / width, width])
    }

    /// The encoder's features, `configuration.features` numbers for each image.
    public func features(rgb: UnsafeRawBufferPointer, count: Int, height: Int, width: Int) throws -> [Float] {
        let bytes = height * width * 3
        guard count > 0, height >= 32, width >= 32, rgb.count == count * bytes else {
            throw EngineError(
                .shapeMismatch, "\(rgb.count) bytes are not \(count) images of \(height)×\(width)×3 (32 pixels a side or more)")
        }
        var features: [Float] = []
        features.reserveCapacity(count * configuration.features)
        let group = Self.imagesAtOnce(height: height, width: width)
        for first in stride(from: 0, to: count, by: group) {
            let size = min(group, count - first)
            let part = UnsafeRawBufferPointer(rebasing: rgb[first * bytes..<(first + size) * bytes])
            let images = try Tensor.images(
                rgb: part, shape: [size, height, width, 3], normalisation: normalisation, precision: precision)
            features += try network { try $0.encoder.features(images, pass).values }
        }
        return features
    }

    /// Small images are taken together, so that the last layers' weights are read from memory once for several;
    /// large ones singly, so that activations stay in the caches.
    private static func imagesAtOnce(height: Int, width: Int) -> Int {
        max(1, min(16, 256 * 256 / max(1, height * width)))
    }
}
