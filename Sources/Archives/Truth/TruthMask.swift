import Foundation
import Imaging

/// Which pixels of an image show a polyp, read from a mask as people store them.
///
/// The plain form is a grey PNG of 0 and 255. What is plainly meant is read too: 0 and 1, 16 bits, one colour on black,
/// palettes, alpha, levels moved or blurred by JPEG or by smoothed edges; `assumptions` says what was taken for granted.
/// What may mean two things is refused: classes, soft maps, two colours of which none is black, a polyp that fills all
/// corners.
public struct TruthMask: Sendable, Equatable {
    public let mask: Mask
    /// What a reader of the plain form would not have known; empty for that form.
    public let assumptions: Set<Assumption>

    /// Whether it shows no polyp at all.
    public var isEmpty: Bool { !mask.bits.contains(true) }

    /// What was taken for granted, for people.
    public enum Assumption: String, Sendable, Hashable, Codable, CaseIterable {
        case zeroAndOne = "masks of 0 and 1: 1 is polyp"
        case otherLevels = "masks whose brightest level is not 255: what is above half of it is polyp"
        case deep = "masks of 16 bits"
        case colour = "masks in colour: what is not black is polyp"
        case alpha = "masks drawn by their alpha channel: what is not transparent is polyp"
        case jpeg = "masks as JPEG: what is above half of the brightest level is polyp"
        case fileName = "masks named otherwise than their image with .png, such as NN_mask.png or NN.jpg"
    }

    init(mask: Mask, assumptions: Set<Assumption>) {
        self.mask = mask
        self.assumptions = assumptions
    }

    /// Reads a mask.
    ///
    /// - Throws: `ImagingError` for a file that is no picture, `ArchiveError.ambiguousMask` for one that may mean two things.
    public init(contentsOf url: URL) throws { try self.init(try PictureSamples(contentsOf: url)) }

    /// The mask that a picture's numbers mean.
    ///
    /// - Throws: `ArchiveError.ambiguousMask`.
    public init(_ picture: PictureSamples) throws {
        var reading = MaskReading(picture)
        mask = try Mask(width: picture.width, height: picture.height, bits: try reading.bits())
        assumptions = reading.assumptions
    }

    /// This mask, found under a name that is not the plain one.
    func named(otherwise isOther: Bool) -> TruthMask {
        isOther ? TruthMask(mask: mask, assumptions: assumptions.union([.fileName])) : self
    }
}
