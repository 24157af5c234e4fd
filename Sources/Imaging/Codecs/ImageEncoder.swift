import Foundation

/// Pixels to bytes of a PNG or JPEG: the same pixels, options and library versions give the same bytes.
public enum ImageEncoder {
    /// A PNG of 8 bits, grey or RGB, tagged sRGB.
    public static func png(_ image: Image8) throws -> Data { try PNGCodec.encode(image) }

    /// A baseline JPEG.
    ///
    /// - Parameters:
    ///   - quality: 1 to 100, libjpeg's scale.
    ///   - subsamplesColour: 4:2:0 rather than 4:4:4.
    public static func jpeg(_ image: Image8, quality: Int = 92, subsamplesColour: Bool = true) throws -> Data {
        try JPEGCodec.encode(image, quality: quality, subsamplesColour: subsamplesColour)
    }

    /// Writes a PNG; a reader of `url` sees the old file or the whole new one. The folder must exist.
    public static func writePNG(_ image: Image8, to url: URL) throws {
        try ImageFile.write(try png(image), to: url)
    }

    /// Writes a JPEG in the same manner.
    public static func writeJPEG(
        _ image: Image8, to url: URL, quality: Int = 92, subsamplesColour: Bool = true
    ) throws {
        try ImageFile.write(try jpeg(image, quality: quality, subsamplesColour: subsamplesColour), to: url)
    }
}
