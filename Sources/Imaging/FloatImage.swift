/// A picture or a stack of maps in floating point, channels last: the sample of channel `c` at column `x` of row `y` is
/// `values[(y * width + x) * channels + c]`. Heat maps, probabilities and normalised network inputs have this shape.
public struct FloatImage: Sendable, Equatable {
    public let width: Int
    public let height: Int
    /// One or more.
    public let channels: Int
    /// `height * width * channels` samples, row-major, interleaved.
    public var values: [Float]

    /// A picture from its samples.
    ///
    /// - Throws: `ImagingError` (`invalidArgument`) when the count of samples is not `width * height * channels`.
    public init(width: Int, height: Int, channels: Int = 1, values: [Float]) throws {
        guard width > 0, height > 0, channels > 0, values.count == width * height * channels else {
            throw ImagingError(
                .invalidArgument,
                "\(values.count) samples do not make a picture of \(width)×\(height) with \(channels) channels")
        }
        self.init(uncheckedWidth: width, height: height, channels: channels, values: values)
    }

    /// The 8-bit values as they are, 0…255.
    public init(_ image: Image8) {
        self.init(
            uncheckedWidth: image.width, height: image.height, channels: image.channels,
            values: image.pixels.map { Float($0) })
    }

    init(uncheckedWidth width: Int, height: Int, channels: Int, values: [Float]) {
        assert(values.count == width * height * channels)
        self.width = width
        self.height = height
        self.channels = channels
        self.values = values
    }

    /// One sample; the place must lie inside.
    public subscript(x x: Int, y y: Int, channel channel: Int = 0) -> Float {
        get { values[(y * width + x) * channels + channel] }
        set { values[(y * width + x) * channels + channel] = newValue }
    }
}

extension FloatImage {
    /// The pixel of the first channel's highest sample, the first of equal ones.
    public var peak: (x: Int, y: Int) {
        var best = 0
        for pixel in 0..<width * height where values[pixel * channels] > values[best * channels] { best = pixel }
        return (best % width, best / width)
    }
}
