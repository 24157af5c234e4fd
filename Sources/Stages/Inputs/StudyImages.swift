import Archives
import Foundation
import Imaging
import Synchronization

/// A centre's images as a network wants them: decoded, square, three channels of 8 bits.
///
/// Training passes over the same images again and again, so a process keeps them; what is beyond the bound is decoded
/// anew each time. (Nothing is thrown out for newer images: with passes in a circle that would lose every one.)
public final class StudyImages: Sendable {
    /// Side of the square, in pixels.
    public let side: Int
    /// Whether a JPEG may be decoded straight to a reduced scale; pixels then differ slightly from Pillow's resize.
    public let isReducedDecodeAllowed: Bool

    private struct Kept {
        var images: [String: Image8] = [:]
        var bytes = 0
    }

    private let maximumBytes: Int
    private let kept = Mutex(Kept())

    public init(side: Int, isReducedDecodeAllowed: Bool, maximumBytes: Int) {
        self.side = side
        self.isReducedDecodeAllowed = isReducedDecodeAllowed
        self.maximumBytes = maximumBytes
    }

    /// The image, resized to the square as Pillow's bilinear filter does it.
    /// - Throws: `ArchiveError`, `ImagingError`.
    public func image(_ image: String, ofStudy study: String, in index: CentreIndex) throws -> Image8 {
        let key = "\(index.archive.name)/\(study)/\(image)"
        if let known = kept.withLock({ $0.images[key] }) { return known }
        let made = try load(image, ofStudy: study, in: index)
        kept.withLock { kept in
            guard kept.images[key] == nil, kept.bytes + made.sizeInBytes <= maximumBytes else { return }
            kept.images[key] = made
            kept.bytes += made.sizeInBytes
        }
        return made
    }

    private func load(_ image: String, ofStudy study: String, in index: CentreIndex) throws -> Image8 {
        let data = try index.imageData(study: study, image: image)
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
