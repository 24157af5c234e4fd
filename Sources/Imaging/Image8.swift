/// An 8-bit picture in memory: sRGB values as the file holds them, no alpha.
///
/// Pixels are row-major and interleaved: the sample of channel `c` at column `x` of row `y` is
/// `pixels[(y * width + x) * channels + c]`.
public struct Image8: Sendable, Equatable {
    /// Columns.
    public let width: Int
    /// Rows.
    public let height: Int
    /// 1 (grey) or 3 (red, green, blue).
    public let channels: Int
    /// `height * width * channels` samples, row-major, interleaved.
    public var pixels: [UInt8]

    /// A picture of one value everywhere.
    ///
    /// - Precondition: sides are positive and `channels` is 1 or 3. Sizes from files are checked by the decoder
    ///   before they come here.
    public init(width: Int, height: Int, channels: Int, fill: UInt8 = 0) {
        precondition(width > 0 && height > 0 && (channels == 1 || channels == 3), "not a picture's shape")
        self.width = width
        self.height = height
        self.channels = channels
        pixels = [UInt8](repeating: fill, count: width * height * channels)
    }

    /// A picture from its samples.
    ///
    /// - Throws: `ImagingError` (`invalidArgument`) when the count of samples is not `width * height * channels`.
    public init(width: Int, height: Int, channels: Int, pixels: [UInt8]) throws {
        guard width > 0, height > 0, channels == 1 || channels == 3, pixels.count == width * height * channels else {
            throw ImagingError(
                .invalidArgument,
                "\(pixels.count) samples do not make a picture of \(width)×\(height) with \(channels) channels")
        }
        self.width = width
        self.height = height
        self.channels = channels
        self.pixels = pixels
    }

    /// For code in this room that has just counted its samples itself.
    init(uncheckedWidth width: Int, height: Int, channels: Int, pixels: [UInt8]) {
        assert(pixels.count == width * height * channels)
        self.width = width
        self.height = height
        self.channels = channels
        self.pixels = pixels
    }

    /// One sample; the place must lie inside.
    public subscript(x x: Int, y y: Int, channel channel: Int = 0) -> UInt8 {
        get { pixels[(y * width + x) * channels + channel] }
        set { pixels[(y * width + x) * channels + channel] = newValue }
    }

    /// Bytes of the samples.
    public var sizeInBytes: Int { pixels.count }

    /// The picture with three channels; a grey one gets its value in each.
    public func rgb() -> Image8 {
        if channels == 3 { return self }
        let source = pixels
        let samples = [UInt8](unsafeUninitializedCapacity: source.count * 3) { buffer, count in
            for index in source.indices {
                let value = source[index]
                buffer[3 * index] = value
                buffer[3 * index + 1] = value
                buffer[3 * index + 2] = value
            }
            count = source.count * 3
        }
        return Image8(uncheckedWidth: width, height: height, channels: 3, pixels: samples)
    }

    /// The picture's luma, 0.299 R + 0.587 G + 0.114 B (ITU-R BT.601) in 16-bit fixed point, rounded.
    public func grey() -> Image8 {
        if channels == 1 { return self }
        let source = pixels
        let samples = [UInt8](unsafeUninitializedCapacity: width * height) { buffer, count in
            for index in 0..<width * height {
                let red = UInt32(source[3 * index])
                let green = UInt32(source[3 * index + 1])
                let blue = UInt32(source[3 * index + 2])
                buffer[index] = UInt8((19595 * red + 38470 * green + 7471 * blue + 0x8000) >> 16)
            }
            count = width * height
        }
        return Image8(uncheckedWidth: width, height: height, channels: 1, pixels: samples)
    }

    /// The part of the picture inside `box`, which must lie within it and not be empty.
    ///
    /// - Throws: `ImagingError` (`invalidArgument`) when it does not.
    public func cropped(to box: Box) throws -> Image8 {
        guard box.x0 >= 0, box.y0 >= 0, box.x1 <= width, box.y1 <= height, box.x0 < box.x1, box.y0 < box.y1 else {
            throw ImagingError(.invalidArgument, "\(box) does not lie inside a picture of \(width)×\(height)")
        }
        var samples = [UInt8]()
        samples.reserveCapacity(box.area * channels)
        for y in box.y0..<box.y1 {
            samples += pixels[((y * width + box.x0) * channels)..<((y * width + box.x1) * channels)]
        }
        return Image8(uncheckedWidth: box.width, height: box.height, channels: channels, pixels: samples)
    }
}
