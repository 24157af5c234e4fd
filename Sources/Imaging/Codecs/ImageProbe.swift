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
    /// - Throws: `ImagingError`: `emptyFile`, `unknownFormat`, `truncated` (no size within `data`), `corrupt`.
    public init(_ data: Data) throws {
        format = try ImageFormat(magicOf: data)
        let reader = ByteReader(data)
        let header = format == .png ? try Self.readPNG(reader) : try Self.readJPEG(reader)
        guard header.width > 0, header.height > 0 else {
            throw ImagingError(.corrupt, "the header says \(header.width)×\(header.height) pixels")
        }
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

    private typealias Header = (width: Int, height: Int, orientation: ImageOrientation)

    private static func readPNG(_ reader: ByteReader) throws -> Header {
        guard let width = reader.uint32(at: 16), let height = reader.uint32(at: 20) else {
            throw ImagingError(.truncated, "the file ends inside its PNG header; copy it again from its source")
        }
        guard reader.hasBytes(Array("IHDR".utf8), at: 12), width <= Int(Int32.max), height <= Int(Int32.max) else {
            throw ImagingError(.corrupt, "the PNG does not begin with a sound IHDR chunk")
        }
        return (width, height, .upright)
    }

    private static func readJPEG(_ reader: ByteReader) throws -> Header {
        let ended = ImagingError(
            .truncated, "the file ends before its JPEG frame header; copy it again from its source")
        var orientation = ImageOrientation.upright
        var place = 2
        while true {
            guard let mark = reader.byte(at: place), var marker = reader.byte(at: place + 1) else { throw ended }
            guard mark == 0xFF else { throw ImagingError(.corrupt, "no JPEG marker at byte \(place)") }
            while marker == 0xFF {  // Fill bytes before a marker are allowed.
                place += 1
                guard let next = reader.byte(at: place + 1) else { throw ended }
                marker = next
            }
            place += 2
            switch marker {
            case 0x01, 0xD0...0xD8: continue
            case 0xD9, 0xDA: throw ImagingError(.corrupt, "the JPEG has no frame header before its data")
            default: break
            }
            guard let length = reader.uint16(at: place) else { throw ended }
            guard length >= 2 else { throw ImagingError(.corrupt, "a JPEG segment of \(length) bytes at \(place)") }
            let isFrame = (0xC0...0xCF).contains(marker) && marker != 0xC4 && marker != 0xC8 && marker != 0xCC
            if isFrame {
                guard let height = reader.uint16(at: place + 3), let width = reader.uint16(at: place + 5) else {
                    throw ended
                }
                return (width, height, orientation)
            }
            if marker == 0xE1, place + length <= reader.count {
                let start = reader.bytes.startIndex + place
                orientation = ImageOrientation(exif: reader.bytes[(start + 2)..<(start + length)]) ?? orientation
            }
            place += length
        }
    }
}
