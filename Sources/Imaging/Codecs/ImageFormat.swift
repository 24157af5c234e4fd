import Foundation

/// The formats that are read and written.
public enum ImageFormat: String, Sendable, CaseIterable, Codable {
    case png, jpeg

    /// The format by the first bytes; the file's name says nothing.
    ///
    /// - Throws: `ImagingError` `emptyFile`, `truncated`, `corrupt`, `unsupportedFormat` (a picture of another kind) or
    ///   `unknownFormat`; the message says what the bytes are instead and what to do. `data` may be the head of a file:
    ///   64 KiB tell all kinds.
    public init(magicOf data: Data) throws {
        guard !data.isEmpty else {
            throw ImagingError(.emptyFile, "the file has no bytes; copy it again from its source")
        }
        let head = [UInt8](data.prefix(1024))
        let png = PNGChunks.signature
        if head.starts(with: png) {
            self = .png
        } else if head.starts(with: [0xFF, 0xD8, 0xFF, 0xF7]) {
            throw ForeignFormat.jpegLS.error
        } else if head.starts(with: [0xFF, 0xD8]), head.count > 3 {
            // Stray bytes may lie before the next marker.
            self = .jpeg
        } else if png.starts(with: head) || head.starts(with: [0xFF, 0xD8]) || head == [0xFF] {
            throw ImagingError(.truncated, "the file ends inside its signature; copy it again from its source")
        } else if head.starts(with: png.prefix(4)) || head.starts(with: png[1..<4]) {
            throw ImagingError(
                .corrupt, "this PNG was changed on its way, as a text is; copy it again from its source in binary mode")
        } else {
            throw ForeignFormat.error(for: data)
        }
    }
}
