/// Per-channel standardisation of RGB in 0…1: `(value / 255 − mean) / deviation`.
public struct PixelNormalisation: Sendable, Hashable {
    public let mean: [Float]
    public let deviation: [Float]

    /// Three channels each, red, green, blue; deviations are positive.
    ///
    /// - Throws: `ImagingError` (`invalidArgument`) otherwise.
    public init(mean: [Float], deviation: [Float]) throws {
        guard mean.count == 3, deviation.count == 3, deviation.allSatisfy({ $0 > 0 }) else {
            throw ImagingError(.invalidArgument, "normalisation wants three means and three positive deviations")
        }
        self.init(unchecked: mean, deviation)
    }

    private init(unchecked mean: [Float], _ deviation: [Float]) {
        self.mean = mean
        self.deviation = deviation
    }

    /// The constants of EndoKED's multiple-instance learning for multi-centre data (METHOD.md).
    public static let endoscopy = PixelNormalisation(
        unchecked: [0.47404, 0.29778, 0.18896], [0.27689, 0.20880, 0.16107])

    /// The constants of networks trained on ImageNet.
    public static let imageNet = PixelNormalisation(unchecked: [0.485, 0.456, 0.406], [0.229, 0.224, 0.225])

    /// A network's input: channels last, `height * width * 3` floats. Grey pictures count as RGB.
    public func apply(_ image: Image8) -> FloatImage {
        let count = image.width * image.height * 3
        let values = [Float](unsafeUninitializedCapacity: count) { buffer, initialized in
            write(image, into: buffer)
            initialized = count
        }
        return FloatImage(uncheckedWidth: image.width, height: image.height, channels: 3, values: values)
    }

    /// The same straight into a batch's memory.
    ///
    /// - Precondition: `output` holds at least `height * width * 3` floats.
    public func write(_ image: Image8, into output: UnsafeMutableBufferPointer<Float>) {
        precondition(output.count >= image.width * image.height * 3, "the batch's slot is too small for the picture")
        // 256 values a channel: one look-up a sample.
        var table = [Float](repeating: 0, count: 768)
        for channel in 0..<3 {
            for value in 0..<256 {
                table[channel * 256 + value] = (Float(value) / 255 - mean[channel]) / deviation[channel]
            }
        }
        let step = image.channels
        image.pixels.withUnsafeBufferPointer { input in
            table.withUnsafeBufferPointer { table in
                for index in 0..<image.width * image.height {
                    output[3 * index] = table[Int(input[step * index])]
                    output[3 * index + 1] = table[256 + Int(input[step * index + (step == 3 ? 1 : 0)])]
                    output[3 * index + 2] = table[512 + Int(input[step * index + (step == 3 ? 2 : 0)])]
                }
            }
        }
    }
}
