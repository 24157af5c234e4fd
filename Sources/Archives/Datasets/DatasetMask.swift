import Foundation
import Imaging

/// Reads the mask of a data set's image: which pixels are polyp.
public enum DatasetMask {
    enum Rule: Sendable, Hashable {
        /// As the field's toolboxes do it: grey above 128; where the brightest level is 15 or less, as in masks of 0 and
        /// 1, whatever is not 0.
        case aboveHalf
        /// Classes by colour or number: whatever is not black is polyp, whichever kind (NeoPolyp).
        case anyClass
        /// As an archive's truth: what may mean two things is refused.
        case plain
    }

    /// Levels up to this one are numbers of classes.
    private static let lastClass = 15

    /// - Throws: `ImagingError`, `ArchiveError.ambiguousMask`; both name the file.
    public static func read(_ url: URL, of dataset: PolypDataset) throws -> Mask {
        do {
            if let picture = try OtherFormat.read(url) { return try mask(picture, dataset.masks) }
            if dataset.masks == .plain { return try TruthMask(contentsOf: url).mask }
            return try mask(try ImageDecoder.decode(contentsOf: url), dataset.masks)
        } catch let error as ArchiveError {
            throw ArchiveError(error.code, "\(url.path): \(error.message)")
        }
    }

    private static func mask(_ picture: Image8, _ rule: Rule) throws -> Mask {
        let top = Int(picture.pixels.max() ?? 0)
        let levels = rule == .anyClass ? brightest(picture) : picture.grey().pixels
        let bits =
            top <= lastClass
            ? levels.map { $0 > 0 } : rule == .anyClass ? levels.map { Int($0) * 2 > top } : levels.map { $0 > 128 }
        return try Mask(width: picture.width, height: picture.height, bits: bits)
    }

    /// The brightest channel of each pixel: a class in pure red is dark in luma.
    private static func brightest(_ picture: Image8) -> [UInt8] {
        guard picture.channels == 3 else { return picture.pixels }
        return (0..<picture.width * picture.height).map { pixel in
            max(picture.pixels[3 * pixel], picture.pixels[3 * pixel + 1], picture.pixels[3 * pixel + 2])
        }
    }
}
