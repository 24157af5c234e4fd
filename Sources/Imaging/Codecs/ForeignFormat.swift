import Foundation

/// A kind of file that is not read, known by its first bytes, and what its owner can do.
struct ForeignFormat {
    /// With its article: "a GIF".
    let name: String
    /// What to do, in the imperative.
    let advice: String
    /// Whether such a file holds pictures.
    let isPicture: Bool

    var error: ImagingError {
        ImagingError(
            isPicture ? .unsupportedFormat : .unknownFormat,
            "this is \(name), not a PNG or JPEG; \(advice), or leave it out")
    }

    private static func picture(_ name: String, by tool: String = "magick IN OUT.png") -> Self {
        Self(name: name, advice: "convert it, for example with `\(tool)`", isPicture: true)
    }

    private static func other(_ name: String, _ advice: String = "put the pictures themselves here") -> Self {
        Self(name: name, advice: advice, isPicture: false)
    }

    static let jpegLS = picture("a JPEG-LS", by: "ffmpeg -i IN OUT.png")
    private static let dicom = picture("a DICOM file", by: "dcm2img --write-png IN OUT.png")
    private static let video = other("a video", "take its frames, for example with `ffmpeg -i IN OUT-%05d.png`")

    /// By bytes at the start. Longer ones first where one begins with another.
    private static let magics: [(magic: [UInt8], format: ForeignFormat)] = [
        (Array("GIF8".utf8), picture("a GIF", by: "magick IN[0] OUT.png")),
        ([0x49, 0x49, 0x2A, 0x00], picture("a TIFF")), ([0x4D, 0x4D, 0x00, 0x2A], picture("a TIFF")),
        ([0x49, 0x49, 0x2B, 0x00], picture("a BigTIFF")), ([0x4D, 0x4D, 0x00, 0x2B], picture("a BigTIFF")),
        ([0x00, 0x00, 0x00, 0x0C] + Array("jP  \r\n".utf8), picture("a JPEG 2000", by: "opj_decompress -i IN -o OUT.png")),
        ([0xFF, 0x4F, 0xFF, 0x51], picture("a JPEG 2000 code stream", by: "opj_decompress -i IN -o OUT.png")),
        ([0x00, 0x00, 0x00, 0x0C] + Array("JXL ".utf8), picture("a JPEG XL", by: "djxl IN OUT.png")),
        ([0xFF, 0x0A], picture("a JPEG XL", by: "djxl IN OUT.png")),
        (Array("%PDF".utf8), picture("a PDF", by: "pdfimages -png IN OUT")),
        (Array("8BPS".utf8), picture("a Photoshop file")), ([0x00, 0x00, 0x01, 0x00], picture("an icon")),
        ([0x76, 0x2F, 0x31, 0x01], picture("an OpenEXR")), (Array("#?RADIANCE".utf8), picture("a Radiance picture")),
        ([0x8A, 0x4D, 0x4E, 0x47], picture("an MNG")), ([0x8B, 0x4A, 0x4E, 0x47], picture("a JNG")),
        (Array("BPG".utf8) + [0xFB], picture("a BPG", by: "bpgdec -o OUT.png IN")),
        (Array("qoif".utf8), picture("a QOI")), (Array("FLIF".utf8), picture("a FLIF")),
        ([0x49, 0x49, 0xBC], picture("a JPEG XR")),
        ([0x00, 0x05, 0x16, 0x07], other("an AppleDouble file, which macOS leaves beside the real ones", "delete it")),
        ([0x00, 0x05, 0x16, 0x00], other("an AppleSingle file", "copy the picture itself")),
        ([0xD0, 0xCF, 0x11, 0xE0], other("an OLE file (a Thumbs.db or an old Office document)")),
        (Array("PK\u{3}\u{4}".utf8), other("a zip archive (or an Office document)", "unpack it")),
        (Array("Rar!".utf8), other("a RAR archive", "unpack it")),
        ([0x37, 0x7A, 0xBC, 0xAF], other("a 7z archive", "unpack it")),
        ([0x1F, 0x8B], other("a gzip file", "unpack it")), (Array("BZh".utf8), other("a bzip2 file", "unpack it")),
        ([0xFD, 0x37, 0x7A, 0x58, 0x5A], other("an xz file", "unpack it")),
        ([0x28, 0xB5, 0x2F, 0xFD], other("a Zstandard file", "unpack it")),
        ([0x1A, 0x45, 0xDF, 0xA3], video), ([0x00, 0x00, 0x01, 0xBA], video), ([0x00, 0x00, 0x01, 0xB3], video),
        ([0x30, 0x26, 0xB2, 0x75], video), (Array("FLV".utf8), video),
        (Array("version https://git-lfs".utf8), other("a pointer of Git LFS", "fetch the file itself with `git lfs pull`")),
        (Array("HTTP/".utf8), other("the answer of a web server, header and all", "cut off its header, or fetch it anew")),
    ]

    /// What `data` are, where they are neither PNG nor JPEG.
    static func error(for data: Data) -> ImagingError {
        let head = [UInt8](data.prefix(1024))
        if let known = known(head) {
            guard known.name.hasPrefix("the answer"), let start = start(ofJPEGIn: data) else { return known.error }
            return ImagingError(
                .unknownFormat,
                "this is \(known.name) (its JPEG begins at byte \(start)); cut off what stands before, for "
                    + "example with `tail -c +\(start + 1) IN > OUT.jpg`, or leave it out")
        }
        if data.prefix(4096).allSatisfy({ $0 == 0 }) {
            return ImagingError(.corrupt, "the file holds nothing but zeros; copy it again from its source")
        }
        if let start = start(ofJPEGIn: data) {
            return ImagingError(
                .unknownFormat,
                "a JPEG lies behind \(start) foreign bytes in this file; cut them off, for example with "
                    + "`tail -c +\(start + 1) IN > OUT.jpg`, or leave it out")
        }
        return text(head).error
    }

    private static func known(_ head: [UInt8]) -> ForeignFormat? {
        if let match = magics.first(where: { head.starts(with: $0.magic) }) { return match.format }
        func has(_ text: String, at place: Int) -> Bool {
            head.count >= place + text.utf8.count && head[place..<(place + text.utf8.count)].elementsEqual(text.utf8)
        }
        if has("DICM", at: 128) || isBareDICOM(head) { return dicom }
        if has("RIFF", at: 0) {
            return has("WEBP", at: 8)
                ? picture("a WebP", by: "dwebp IN -o OUT.png")
                : has("AVI ", at: 8) ? video : other("a RIFF file")
        }
        if has("ftyp", at: 4) { return container(String(decoding: head.dropFirst(8).prefix(4), as: UTF8.self), has) }
        // A bitmap's second header says its own length.
        if has("BM", at: 0), head.count > 18, [12, 40, 52, 56, 64, 108, 124].contains(head[14]), head[15] == 0 {
            return picture("a BMP")
        }
        if head.count > 2, head[0] == UInt8(ascii: "P"), (0x31...0x36).contains(head[1]),
            [0x0A, 0x0D, 0x20].contains(head[2])
        {
            return picture("a PNM (PBM, PGM or PPM)")
        }
        return nil
    }

    /// The boxed formats by their brand.
    private static func container(_ brand: String, _ has: (String, Int) -> Bool) -> ForeignFormat {
        switch brand {
        case "avif", "avis": picture("an AVIF", by: "avifdec IN OUT.png")
        case "heic", "heix", "heim", "heis", "hevc", "hevx", "hevm", "hevs":
            picture("a HEIC", by: "heif-convert IN OUT.png")
        case "mif1", "msf1":
            has("avif", 16) || has("avif", 20) || has("avif", 24)
                ? picture("an AVIF", by: "avifdec IN OUT.png")
                : picture("a HEIF", by: "heif-convert IN OUT.png")
        case "jp2 ", "jpx ", "jph ": picture("a JPEG 2000", by: "opj_decompress -i IN -o OUT.png")
        case "jxl ": picture("a JPEG XL", by: "djxl IN OUT.png")
        case "crx ": picture("a camera's raw picture (CR3)")
        default: video
        }
    }

    /// A DICOM file without its preamble begins with an element of group 2 or 8, written with a type or its length.
    private static func isBareDICOM(_ head: [UInt8]) -> Bool {
        guard head.count >= 8, head[0] == 2 || head[0] == 8, head[1] == 0, head[3] == 0 else { return false }
        let type = head[4..<6]
        return type.allSatisfy { (0x41...0x5A).contains($0) } || (head[4] > 0 && head[5...7].allSatisfy { $0 == 0 })
    }

    /// Where a JPEG begins behind other bytes; nil where none does.
    private static func start(ofJPEGIn data: Data) -> Int? {
        data.prefix(64 * 1024).range(of: Data([0xFF, 0xD8, 0xFF])).map { $0.lowerBound - data.startIndex }
    }

    private static func text(_ head: [UInt8]) -> ForeignFormat {
        if head.starts(with: [0xFF, 0xFE]) || head.starts(with: [0xFE, 0xFF]) { return other("a text file (UTF-16)") }
        guard head.allSatisfy({ $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 || $0 == 0x0A || $0 == 0x0D }) else {
            return other("a file of unknown kind", "convert it to PNG or JPEG")
        }
        var start = String(decoding: head.prefix(200), as: UTF8.self).lowercased()[...]
        start = start.drop { $0.isWhitespace || $0 == "\u{FEFF}" }
        if start.hasPrefix("<!doctype html") || start.hasPrefix("<html") {
            return other("a web page, perhaps an error of a download", "fetch the picture again")
        }
        if start.contains("<svg") { return picture("an SVG drawing") }
        return start.hasPrefix("<?xml") ? other("an XML file") : other("a text file")
    }
}
