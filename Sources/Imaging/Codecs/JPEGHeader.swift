import Foundation

/// A JPEG's segments up to its first scan: what the frame header says, and how the picture is turned.
struct JPEGHeader {
    var width: Int
    var height: Int
    var orientation = ImageOrientation.upright

    /// Reads the header in `data`, which may be only the head of a file. Stray bytes between segments are passed over,
    /// as libjpeg does.
    ///
    /// - Throws: `ImagingError`: `truncated` (the data end before the first scan), `corrupt`, `unsupportedFormat` (a kind
    ///   of JPEG that common decoders do not read).
    init(_ data: Data) throws {
        let reader = ByteReader(data)
        var frame: (width: Int, height: Int)?
        var orientation: ImageOrientation?
        var place = 2
        while true {
            guard let (marker, next) = Self.marker(reader, from: place) else {
                throw ImagingError(.truncated, "the file ends inside its JPEG header; copy it again from its source")
            }
            place = next
            if marker == 0x01 || (0xD0...0xD8).contains(marker) { continue }
            guard marker != 0xD9 else {
                throw ImagingError(.corrupt, "the JPEG holds no picture; copy it again from its source")
            }
            guard let length = reader.uint16(at: place), place + length <= reader.count || marker == 0xDA else {
                throw ImagingError(.truncated, "the file ends inside its JPEG header; copy it again from its source")
            }
            guard length >= 2 else {
                throw ImagingError(
                    .corrupt, "a JPEG segment at byte \(place) has \(length) bytes; copy the file again from its source")
            }
            switch marker {
            case 0xDA:
                guard let frame else {
                    throw ImagingError(
                        .corrupt, "the JPEG has no frame header before its data; copy it again from its source")
                }
                (width, height) = frame
                self.orientation = orientation ?? .upright
                return
            case 0xE1 where orientation == nil:
                let start = data.startIndex + place
                orientation = ImageOrientation(exif: data[(start + 2)..<(start + length)])
            case 0xC0...0xCF where marker != 0xC4 && marker != 0xC8 && marker != 0xCC:
                frame = try Self.frame(reader, marker: marker, at: place)
            default: break
            }
            place += length
        }
    }

    /// The next marker at or after `place`, and the place behind it; nil when the data end first.
    private static func marker(_ reader: ByteReader, from place: Int) -> (marker: UInt8, next: Int)? {
        var place = place
        while let byte = reader.byte(at: place), let following = reader.byte(at: place + 1) {
            // 0xFF fills before a marker; 0xFF00 is data.
            if byte == 0xFF, following != 0xFF, following != 0 { return (following, place + 2) }
            place += 1
        }
        return nil
    }

    private static func frame(_ reader: ByteReader, marker: UInt8, at place: Int) throws -> (width: Int, height: Int) {
        let kind: String? =
            switch marker {
            case 0xC0, 0xC1, 0xC2, 0xC9, 0xCA: nil
            case 0xC3, 0xCB: "a lossless JPEG"
            default: "a hierarchical JPEG"
            }
        guard let bits = reader.byte(at: place + 2), let height = reader.uint16(at: place + 3),
            let width = reader.uint16(at: place + 5)
        else { throw ImagingError(.truncated, "the file ends inside its JPEG header; copy it again from its source") }
        if let kind = kind ?? (bits == 8 ? nil : "a JPEG of \(bits) bits") {
            throw ImagingError(
                .unsupportedFormat,
                "this is \(kind), not one of 8 bits as all programs read them; save it anew as PNG with the program that "
                    + "made it, or leave it out")
        }
        guard width > 0, height > 0 else {
            throw ImagingError(
                .corrupt, "the JPEG's header says \(width)×\(height) pixels; copy it again from its source")
        }
        return (width, height)
    }
}
