import Foundation

/// Bytes of a PNG or JPEG to pixels.
///
/// PNG: 1 to 16 bits, grey, palette or colour; 16-bit samples are taken as sRGB and reduced to 8; **alpha is composed
/// over black**; what a file says of its own colours (gamma, profile) is not applied; of an animation the still picture
/// counts. JPEG: baseline and progressive, Huffman or arithmetic, grey and YCbCr or RGB; CMYK and YCCK are refused. Both
/// are turned upright by their EXIF orientation. Grey files give one channel (`Image8.rgb()` makes three), all others
/// three.
///
/// What lies around a picture (bytes before a marker or behind the end, odd chunks) does not disturb; a picture of which
/// a part is lost is refused, never filled up.
public struct ImageDecoder: Sendable {
    /// A header that claims more pixels than this is refused before anything is allocated.
    public var maximumPixels = 100_000_000

    public init() {}

    /// The picture in `data`, with the default limits.
    ///
    /// - Parameter minimumSide: the network's input: a JPEG may then be decoded straight to 1/2, 1/4 or 1/8 of its
    ///   size, as long as both sides stay at least this long. Averages over the JPEG's blocks take the place of the
    ///   resize's own: pixels differ a little from decoding in full. Nil decodes in full; PNG always is.
    /// - Throws: `ImagingError`.
    public static func decode(_ data: Data, reducedTo minimumSide: Int? = nil) throws -> Image8 {
        try ImageDecoder().decode(data, reducedTo: minimumSide)
    }

    /// The picture in a file, with the default limits; errors name the file.
    public static func decode(contentsOf url: URL, reducedTo minimumSide: Int? = nil) throws -> Image8 {
        try ImageDecoder().decode(contentsOf: url, reducedTo: minimumSide)
    }

    /// The picture in `data`.
    public func decode(_ data: Data, reducedTo minimumSide: Int? = nil) throws -> Image8 {
        let probe = try ImageProbe(data)
        guard probe.width <= maximumPixels / probe.height else {
            throw ImagingError(
                .tooManyPixels,
                "the header claims \(probe.width)×\(probe.height) pixels, the limit is \(maximumPixels); "
                    + "if the file is sound, make it smaller")
        }
        let stored =
            switch probe.format {
            case .png: try PNGCodec.decode(data)
            case .jpeg: try JPEGCodec.decode(data, reducedTo: minimumSide)
            }
        return probe.orientation.applied(to: stored)
    }

    /// The picture in a file; errors name it.
    public func decode(contentsOf url: URL, reducedTo minimumSide: Int? = nil) throws -> Image8 {
        do {
            return try decode(try ImageFile.read(url), reducedTo: minimumSide)
        } catch {
            throw ImageFile.named(error, url)
        }
    }
}
