import Foundation

/// The formats that are read and written.
public enum ImageFormat: String, Sendable, CaseIterable, Codable {
    case png, jpeg

    private static let pngSignature: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]

    /// The format by the first bytes; the file's name says nothing.
    ///
    /// - Throws: `ImagingError` `emptyFile` or `unknownFormat`; the latter says what the bytes look like instead.
    public init(magicOf data: Data) throws {
        guard !data.isEmpty else {
            throw ImagingError(.emptyFile, "the file has no bytes; copy it again from its source")
        }
        let head = [UInt8](data.prefix(512))
        if head.starts(with: Self.pngSignature) {
            self = .png
        } else if head.starts(with: [0xFF, 0xD8, 0xFF]) {
            self = .jpeg
        } else if Self.pngSignature.starts(with: head) || head == [0xFF, 0xD8] || head == [0xFF] {
            throw ImagingError(.truncated, "the file ends inside its signature; copy it again from its source")
        } else {
            throw ImagingError(
                .unknownFormat, "this is \(Self.guess(head)), not PNG or JPEG; convert it, or leave it out")
        }
    }

    /// What other bytes look like, for the error's reader.
    private static func guess(_ head: [UInt8]) -> String {
        let known: [(magic: [UInt8], name: String)] = [
            (Array("GIF8".utf8), "a GIF"), (Array("BM".utf8), "a BMP"), ([0x49, 0x49, 0x2A, 0x00], "a TIFF"),
            ([0x4D, 0x4D, 0x00, 0x2A], "a TIFF"), (Array("RIFF".utf8), "a RIFF file (WebP?)"),
            (Array("%PDF".utf8), "a PDF"), (Array("PK".utf8), "a zip file"), ([0x1F, 0x8B], "a gzip file"),
        ]
        if let match = known.first(where: { head.starts(with: $0.magic) }) { return match.name }
        if head.count > 132, head[128..<132].elementsEqual("DICM".utf8) { return "a DICOM file" }
        let isText = head.allSatisfy { $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 || $0 == 0x0A || $0 == 0x0D }
        return isText ? "a text file" : "a file of unknown kind"
    }
}
