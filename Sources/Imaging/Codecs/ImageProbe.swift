import Foundation

/// What a picture's header says, without decoding it.
public struct ImageProbe: Sendable, Equatable {
    public let format: ImageFormat
    /// Columns as displayed, after the EXIF orientation.
    public let width: Int
    /// Rows as displayed.
    public let height: Int
    /// How the stored rows are turned for display.
    public let orientation: ImageOrientation

    /// Enough for any header but those behind large colour profiles or thumbnails.
    private static let headLength = 64 * 1024

    /// Reads the header in `data`, which may be only the head of a file.
    ///
    /// - Throws: `ImagingError`: `emptyFile`, `unknownFormat`, `unsupportedFormat`, `truncated` (no size within `data`),
    ///   `corrupt`.
    public init(_ data: Data) throws {
        format = try ImageFormat(magicOf: data)
        let header = format == .png ? try Self.readPNG(data) : try Self.readJPEG(data)
        orientation = header.orientation
        width = orientation.swapsSides ? header.height : header.width
        height = orientation.swapsSides ? header.width : header.height
    }

    /// Reads the header of a file, and only that where it lies near the start.
    public init(contentsOf url: URL) throws {
        do {
            let handle = try ImageFile.open(url)
            defer { try? handle.close() }
            let head = try handle.read(upToCount: Self.headLength) ?? Data()
            do {
                try self.init(head)
            } catch let error as ImagingError where error.code == .truncated && head.count == Self.headLength {
                try self.init(head + (try handle.readToEnd() ?? Data()))
            }
        } catch {
            throw ImageFile.named(error, url)
        }
    }

    private typealias Stored = (width: Int, height: Int, orientation: ImageOrientation)

    private static func readJPEG(_ data: Data) throws -> Stored {
        let header = try JPEGHeader(data)
        return (header.width, header.height, header.orientation)
    }

    /// `eXIf` counts where it lies within `data`; it may stand behind the picture.
    private static func readPNG(_ data: Data) throws -> Stored {
        let reader = ByteReader(data)
        guard let width = reader.uint32(at: 16), let height = reader.uint32(at: 20) else {
            throw ImagingError(.truncated, "the file ends inside its PNG header; copy it again from its source")
        }
        guard !reader.hasBytes(Array("CgBI".utf8), at: 12) else { throw PNGChunks.applesOwn }
        guard reader.hasBytes(Array("IHDR".utf8), at: 12), width <= Int(Int32.max), height <= Int(Int32.max) else {
            throw ImagingError(.corrupt, "the PNG does not begin with a sound IHDR chunk")
        }
        guard width > 0, height > 0 else {
            throw ImagingError(.corrupt, "the PNG's header says \(width)×\(height) pixels; copy it again from its source")
        }
        return (width, height, PNGChunks.orientation(reader))
    }
}
