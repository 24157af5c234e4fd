import CPNG
import Foundation

/// A PNG's chunks. What is not of the picture is left out before libpng sees it: a broken colour profile, an odd gamma
/// or a text with a wrong checksum must neither change the colours nor lose the picture.
struct PNGChunks {
    /// The file with the chunks that make the picture, and nothing behind its end.
    let picture: Data

    /// How the picture is turned, by the first chunk `eXIf` within the bytes.
    static func orientation(_ reader: ByteReader) -> ImageOrientation {
        var place = 8
        while let length = reader.uint32(at: place), place + 12 + length <= reader.count {
            if reader.hasBytes(Array("eXIf".utf8), at: place + 4) {
                let start = reader.bytes.startIndex + place + 8
                let body = reader.bytes[start..<(start + length)]
                return ImageOrientation(tiff: body) ?? ImageOrientation(exif: body) ?? .upright
            }
            place += 12 + length
        }
        return .upright
    }

    static let applesOwn = ImagingError(
        .unsupportedFormat, "this is a PNG of Apple's own kind (CgBI); save it anew as plain PNG, or leave it out")

    static let signature: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
    private static let kept: Set<String> = ["IHDR", "PLTE", "tRNS", "IDAT", "IEND"]
    /// A compressed text that unpacks to more is no text: the file is made to exhaust its reader.
    private static let maximumTextBytes = 8_000_000

    /// - Throws: `ImagingError`: `truncated` (no end), `corrupt`.
    init(_ data: Data) throws {
        let reader = ByteReader(data)
        var ranges: [Range<Int>] = [0..<8]
        var place = 8
        var isFirst = true
        while true {
            guard let length = reader.uint32(at: place), let name = Self.name(reader, at: place + 4),
                place + 12 + length <= reader.count
            else { throw ImagingError(.truncated, "the PNG ends before its picture does; copy it again from its source") }
            let body = (place + 8)..<(place + 8 + length)
            try Self.requirePlace(of: name, length: length, isFirst: isFirst)
            isFirst = false
            let next = body.upperBound + 4
            if Self.kept.contains(name) {
                if let last = ranges.last, last.upperBound == place {
                    ranges[ranges.count - 1] = last.lowerBound..<next
                } else {
                    ranges.append(place..<next)
                }
            } else {
                let start = data.startIndex
                try Self.requireText(name, data[(start + body.lowerBound)..<(start + body.upperBound)])
            }
            place = next
            if name == "IEND" { break }
        }
        if ranges == [0..<data.count] {
            picture = data
        } else {
            picture = ranges.reduce(into: Data()) { whole, range in
                whole += data[(data.startIndex + range.lowerBound)..<(data.startIndex + range.upperBound)]
            }
        }
    }

    /// Four letters.
    private static func name(_ reader: ByteReader, at place: Int) -> String? {
        let letters = (0..<4).compactMap { reader.byte(at: place + $0) }
        guard letters.count == 4 else { return nil }
        return String(decoding: letters.map { isLetter($0) ? $0 : UInt8(ascii: "?") }, as: UTF8.self)
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
    }

    private static func requirePlace(of name: String, length: Int, isFirst: Bool) throws {
        if isFirst, name == "CgBI" { throw applesOwn }
        guard isFirst == (name == "IHDR"), name != "IHDR" || length == 13 else {
            throw ImagingError(.corrupt, "the PNG's header is not where it must be; copy it again from its source")
        }
        // A capital says that the picture cannot be understood without the chunk.
        if !kept.contains(name), name.contains("?") || name.first?.isUppercase == true {
            throw ImagingError(
                .corrupt, "the PNG is damaged or of an unknown kind (chunk \(name)); copy it again from its source")
        }
    }

    /// Refuses compressed texts and profiles that unpack to more than any text has.
    private static func requireText(_ name: String, _ content: Data) throws {
        // Deflate packs 1032 bytes into one at best.
        guard ["zTXt", "iTXt", "iCCP"].contains(name), content.count > maximumTextBytes / 1032 else { return }
        let bytes = [UInt8](content)
        guard let end = bytes.firstIndex(of: 0) else { return }
        let start: Int
        switch name {
        case "zTXt", "iCCP": start = end + 2
        case "iTXt":
            guard bytes.count > end + 2, bytes[end + 1] == 1, let language = bytes[(end + 3)...].firstIndex(of: 0),
                let keyword = bytes[(language + 1)...].firstIndex(of: 0)
            else { return }
            start = keyword + 1
        default: return
        }
        guard start < bytes.count else { return }
        var unpacked = [UInt8](repeating: 0, count: maximumTextBytes)
        var length = uLongf(maximumTextBytes)
        let status = bytes[start...].withUnsafeBufferPointer { packed in
            uncompress(&unpacked, &length, packed.baseAddress, uLong(packed.count))
        }
        guard status != Z_BUF_ERROR || length < uLongf(maximumTextBytes) else {
            throw ImagingError(
                .corrupt,
                "the PNG's chunk \(name) unpacks to more than \(maximumTextBytes) bytes; save the picture anew without it")
        }
    }
}
