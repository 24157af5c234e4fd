import Foundation

/// A picture's numbers as its file holds them, where they mean something other than light: a mask's classes. No gamma, no
/// colour profile and no background takes part, and 16 bits stay 16.
///
/// Grey of fewer than 8 bits and palettes come as 8 bits; palettes as their colours.
public struct PictureSamples: Sendable, Equatable {
    public let width: Int
    public let height: Int
    /// 1 (grey), 2 (grey, alpha), 3 (red, green, blue) or 4 (with alpha, straight in 8 bits, multiplied in in 16).
    public let channels: Int
    /// 255 or 65535: what a sample can be at most.
    public let limit: UInt16
    /// False for JPEG, whose numbers are only nearly those that were written.
    public let isExact: Bool
    /// `height * width * channels` samples, row-major, interleaved.
    public let values: [UInt16]

    /// The numbers in a PNG or JPEG, with the limits of `ImageDecoder`.
    ///
    /// - Throws: `ImagingError`.
    public init(_ data: Data, decoder: ImageDecoder = ImageDecoder()) throws {
        let probe = try ImageProbe(data)
        guard probe.format == .png else {
            self.init(try decoder.decode(data))
            return
        }
        guard probe.width <= decoder.maximumPixels / probe.height else {
            throw ImagingError(
                .tooManyPixels,
                "the header claims \(probe.width)×\(probe.height) pixels, the limit is \(decoder.maximumPixels)")
        }
        self = try PNGCodec.samples(data)
    }

    /// The numbers in a file; errors name it.
    public init(contentsOf url: URL, decoder: ImageDecoder = ImageDecoder()) throws {
        do { try self.init(try ImageFile.read(url), decoder: decoder) } catch { throw ImageFile.named(error, url) }
    }

    private init(_ decoded: Image8) {
        width = decoded.width
        height = decoded.height
        channels = decoded.channels
        limit = 255
        isExact = false
        values = decoded.pixels.map(UInt16.init)
    }

    init(uncheckedWidth width: Int, height: Int, channels: Int, limit: UInt16, values: [UInt16]) {
        assert(values.count == width * height * channels)
        self.width = width
        self.height = height
        self.channels = channels
        self.limit = limit
        isExact = true
        self.values = values
    }
}
