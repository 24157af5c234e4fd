import Archives
import Foundation
import Imaging

/// A centre's images as a network wants them: decoded, square, three channels of 8 bits.
struct StudyImages {
    /// Side of the square, in pixels.
    let side: Int
    /// Whether a JPEG may be decoded straight to a reduced scale; pixels then differ slightly from Pillow's resize.
    let isReducedDecodeAllowed: Bool
    /// Where images are kept from one pass to the next; nil for whoever looks at each once.
    private let store: ImageStore?
    /// Bytes that the store may keep.
    private let limit: Int

    init(side: Int, isReducedDecodeAllowed: Bool = true) {
        (self.side, self.isReducedDecodeAllowed, store, limit) = (side, isReducedDecodeAllowed, nil, 0)
    }

    /// Images that are passed over again and again: the process keeps up to `limit` bytes of them.
    init(side: Int, isReducedDecodeAllowed: Bool = true, keptIn store: ImageStore, limit: Int) {
        (self.side, self.isReducedDecodeAllowed, self.store, self.limit) = (side, isReducedDecodeAllowed, store, limit)
    }

    /// The image, resized to the square as Pillow's bilinear filter does it.
    /// - Throws: `ArchiveError`, `ImagingError`.
    func image(_ image: String, ofStudy study: String, in index: CentreIndex) throws -> Image8 {
        guard let store else { return try load(image, ofStudy: study, in: index) }
        let file = try FileIdentity(of: try index.imageURL(study: study, image: image))
        let key = ImageStore.Key(.file(file), side: side, reading: isReducedDecodeAllowed ? .reducedColour : .colour)
        return try store.image(key, limit: limit) { try load(image, ofStudy: study, in: index) }
    }

    private func load(_ image: String, ofStudy study: String, in index: CentreIndex) throws -> Image8 {
        try square(index.imageData(study: study, image: image))
    }

    /// The same of a file's bytes.
    /// - Throws: `ImagingError`.
    func square(_ data: Data) throws -> Image8 {
        let decoded = try ImageDecoder.decode(data, reducedTo: isReducedDecodeAllowed ? side : nil).rgb()
        return decoded.width == side && decoded.height == side
            ? decoded : try decoded.resized(width: side, height: side, filter: .bilinear)
    }
}

extension ResultRow.ItemRow {
    /// The row for an image that could not be read; the message holds no path outside the study.
    init(centre: String, study: String, image: String, unreadable error: any Error) {
        let (reason, message): (String, String) =
            switch error {
            case let error as ImagingError: (ImageFileCheck.code(of: error), error.message)
            case let error as ArchiveError: (error.code.description, error.message)
            default: ("unreadable-image", "the file cannot be read")
            }
        self.init(
            centre: centre, study: study, image: image, status: "failed", reason: reason, message: "\(image): \(message)")
    }
}
