import NeuralNetwork

/// An encoder, frozen for inference: what images of one size are as feature vectors. Any number of threads may share it; an
/// image's features depend neither on which images are encoded with it nor on the thread.
public final class FeatureExtractor: Sendable {
    public let kind: EncoderKind
    public let normalisation: ColourNormalisation
    public let precision: Precision
    private let network: Frozen<any ImageBackbone>

    /// - Parameter parameters: under the encoder's own names.
    /// - Throws: `ParameterError.missingTensors` where they are not those of `kind`, `EngineError.unsupported` for bf16 on a
    ///   processor without it.
    public init(
        _ parameters: ParameterSet, kind: EncoderKind, normalisation: ColourNormalisation, precision: Precision = .float32
    ) throws {
        try precision.requireProcessor(or: "use float32")
        let made = try kind.make(seed: nil)
        try made.load(parameters)
        (self.kind, self.normalisation, self.precision) = (kind, normalisation, precision)
        network = Frozen(made)
    }

    /// `kind.features` numbers for each of `count` images. `rgb` is image after image, row after row, 8-bit red, green, blue.
    /// - Throws: `EngineError.shapeMismatch` where `rgb` has another length or sides are not multiples of
    ///   `kind.sideMultiple`.
    public func features(rgb: [UInt8], count: Int, height: Int, width: Int) throws -> [Float] {
        let bytes = height * width * 3
        guard count > 0, rgb.count == count * bytes, height % kind.sideMultiple == 0, width % kind.sideMultiple == 0 else {
            throw EngineError(
                .shapeMismatch,
                "\(rgb.count) bytes are not \(count) images of \(height)×\(width)×3, with sides that are multiples of \(kind.sideMultiple)")
        }
        var features: [Float] = []
        features.reserveCapacity(count * kind.features)
        // Few at once: activations of the first layers stay in the caches.
        let group = max(1, min(16, 512 * 512 / max(1, height * width)))
        try rgb.withUnsafeBytes { rgb in
            for first in stride(from: 0, to: count, by: group) {
                let size = min(group, count - first)
                let images = try Tensor.images(
                    rgb: UnsafeRawBufferPointer(rebasing: rgb[first * bytes..<(first + size) * bytes]),
                    shape: [size, height, width, 3], normalisation: normalisation, precision: precision)
                features += try network { try $0.features(images, ForwardPass(inferringIn: precision, nil)).values }
            }
        }
        return features
    }
}
