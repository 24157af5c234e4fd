import COneDNN

/// How 8-bit colour becomes a network's input: (value / 255 − mean) / deviation, for red, green and blue.
public struct ColourNormalisation: Sendable, Hashable, Codable {
    public var mean: [Float]
    public var deviation: [Float]

    /// Both have three numbers, of colour in [0, 1]; deviations are positive.
    public init(mean: [Float], deviation: [Float]) throws {
        guard mean.count == 3, deviation.count == 3, deviation.allSatisfy({ $0 > 0 }) else {
            throw EngineError(.invalidOption, "a colour normalisation needs three means and three positive deviations")
        }
        self.mean = mean
        self.deviation = deviation
    }

    /// Of networks trained on ImageNet's photographs, as torchvision's and timm's are.
    public static let imageNet = ColourNormalisation(
        uncheckedMean: [0.485, 0.456, 0.406], deviation: [0.229, 0.224, 0.225])

    /// (value − 127) / 128 of 0…255: of networks that TensorFlow's release of EfficientNet-Lite trained.
    public static let signedBytes = ColourNormalisation(
        uncheckedMean: [127.0 / 255, 127.0 / 255, 127.0 / 255], deviation: [128.0 / 255, 128.0 / 255, 128.0 / 255])

    private init(uncheckedMean mean: [Float], deviation: [Float]) {
        self.mean = mean
        self.deviation = deviation
    }

    /// Writes `pixels` pixels of `channels` numbers each, those beyond three zero.
    package func apply(
        _ rgb: UnsafePointer<UInt8>, pixels: Int, to result: UnsafeMutablePointer<Float>, channels: Int = 3
    ) {
        let scaledMean = mean.map { $0 * 255 }
        let factor = deviation.map { 1 / (255 * $0) }
        nn_normalise_rgb(rgb, result, Int64(pixels), scaledMean, factor, Int64(channels))
    }

    /// The same to bf16, without padding.
    func applyBFloat16(_ rgb: UnsafePointer<UInt8>, pixels: Int, to result: UnsafeMutablePointer<UInt16>) {
        nn_normalise_rgb_bf16(rgb, result, Int64(pixels), mean.map { $0 * 255 }, deviation.map { 1 / (255 * $0) })
    }
}

extension Tensor {
    /// Images as N,H,W,3 from `rgb`: image after image, row after row, red, green, blue.
    ///
    /// Throws `EngineError.shapeMismatch` where `rgb` is not count · height · width · 3 bytes.
    public static func images(
        rgb: [UInt8], count: Int, height: Int, width: Int, normalisation: ColourNormalisation
    ) throws -> Tensor {
        let shape = [count, height, width, 3]
        guard rgb.count == shape.reduce(1, *), !rgb.isEmpty else {
            throw EngineError(.shapeMismatch, "\(rgb.count) bytes are not \(count) images of \(height)×\(width)×3")
        }
        let made = try Tensor(shape: shape)
        rgb.withUnsafeBufferPointer { source in
            guard let base = source.baseAddress else { return }
            normalisation.apply(base, pixels: count * height * width, to: made.pointer)
        }
        return made
    }

    /// The same from memory that lies elsewhere, in the precision wanted.
    package static func images(
        rgb: UnsafeRawBufferPointer, shape: [Int], normalisation: ColourNormalisation, precision: Precision
    ) throws -> Tensor {
        guard let base = rgb.baseAddress?.assumingMemoryBound(to: UInt8.self), rgb.count == shape.reduce(1, *) else {
            throw EngineError(.shapeMismatch, "\(rgb.count) bytes are not images of \(shape)")
        }
        let made = try Tensor(shape: shape, precision: precision)
        let pixels = shape[0] * shape[1] * shape[2]
        switch precision {
        case .float32: normalisation.apply(base, pixels: pixels, to: made.memory.floats)
        case .bfloat16: normalisation.applyBFloat16(base, pixels: pixels, to: made.memory.halves)
        }
        return made
    }
}
