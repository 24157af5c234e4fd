import Foundation

/// How a camera was held (EXIF 2.3, tag 0x0112): what must be done to the stored rows and columns for display.
public enum ImageOrientation: Int, Sendable, Codable {
    case upright = 1
    case mirrored, upsideDown, mirroredUpsideDown
    case transposed, turnedRight, antiTransposed, turnedLeft

    /// True when displayed width is stored height.
    public var swapsSides: Bool { rawValue >= 5 }

    /// The orientation in the body of an APP1 segment ("Exif\0\0", then a TIFF header and its first directory);
    /// nil where there is none, or it is not within the bytes, or not 1…8.
    init?(exif body: Data) {
        // The second zero is written otherwise now and then.
        guard body.count > 6, ByteReader(body).hasBytes(Array("Exif\0".utf8), at: 0) else { return nil }
        self.init(tiff: body.dropFirst(6))
    }

    /// The orientation in a TIFF header and its first directory; nil likewise.
    init?(tiff body: Data) {
        var reader = ByteReader(body)
        if reader.hasBytes(Array("II".utf8), at: 0) {
            reader.isLittleEndian = true
        } else if !reader.hasBytes(Array("MM".utf8), at: 0) {
            return nil
        }
        guard reader.uint16(at: 2) == 42, let offset = reader.uint32(at: 4), offset >= 8,
            let entries = reader.uint16(at: offset)
        else { return nil }
        for entry in 0..<entries {
            let place = offset + 2 + 12 * entry
            guard let tag = reader.uint16(at: place) else { return nil }
            guard tag == 0x0112 else { continue }
            guard reader.uint32(at: place + 4) == 1 else { return nil }
            // It stands left-justified in the entry itself: a SHORT by the standard, a LONG or a BYTE in practice.
            let value: Int? =
                switch reader.uint16(at: place + 2) {
                case 1: reader.byte(at: place + 8).map(Int.init)
                case 3: reader.uint16(at: place + 8)
                case 4: reader.uint32(at: place + 8)
                default: nil
                }
            guard let value else { return nil }
            self.init(rawValue: value)
            return
        }
        return nil
    }

    /// The picture as it is to be seen.
    func applied(to image: Image8) -> Image8 {
        if self == .upright { return image }
        let (width, height, channels) = (image.width, image.height, image.channels)
        let (newWidth, newHeight) = swapsSides ? (height, width) : (width, height)
        let source = image.pixels
        let samples = [UInt8](unsafeUninitializedCapacity: source.count) { buffer, count in
            for y in 0..<newHeight {
                for x in 0..<newWidth {
                    let (storedX, storedY) = stored(x: x, y: y, width: width, height: height)
                    for channel in 0..<channels {
                        buffer[(y * newWidth + x) * channels + channel] =
                            source[(storedY * width + storedX) * channels + channel]
                    }
                }
            }
            count = source.count
        }
        return Image8(uncheckedWidth: newWidth, height: newHeight, channels: channels, pixels: samples)
    }

    /// Where the pixel displayed at (x, y) is stored.
    private func stored(x: Int, y: Int, width: Int, height: Int) -> (x: Int, y: Int) {
        switch self {
        case .upright: (x, y)
        case .mirrored: (width - 1 - x, y)
        case .upsideDown: (width - 1 - x, height - 1 - y)
        case .mirroredUpsideDown: (x, height - 1 - y)
        case .transposed: (y, x)
        case .turnedRight: (y, height - 1 - x)
        case .antiTransposed: (width - 1 - y, height - 1 - x)
        case .turnedLeft: (width - 1 - y, x)
        }
    }
}
