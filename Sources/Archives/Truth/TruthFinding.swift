import Imaging

/// What an image's mask is good for.
public enum TruthFinding: Sendable {
    /// There is no mask.
    case none
    /// The mask can be laid over its image. It may be empty, where nothing says that the image shows a polyp.
    case mask(TruthMask)
    /// It cannot be used: a short stable code, and one line for people.
    case unusable(reason: String, message: String)

    /// Looks at an image's mask.
    ///
    /// - Parameter size: of the image as it is displayed; nil where that is not known.
    public init(_ truth: TruthReader, study: String, image: String, size: (width: Int, height: Int)?) {
        do {
            guard let mask = try truth.mask(study: study, image: image) else {
                self = .none
                return
            }
            self = Self.usable(mask, told: truth.toldPolyp(study: study, image: image), size: size)
        } catch let error as ArchiveError {
            self = .unusable(reason: error.code.description, message: "its mask: \(error.message)")
        } catch let error as ImagingError {
            self = .unusable(reason: "unreadable-mask", message: "its mask cannot be read: \(error.message)")
        } catch {
            self = .unusable(reason: "unreadable-mask", message: "its mask cannot be read: check its permissions")
        }
    }

    private static func usable(_ mask: TruthMask, told: Bool?, size: (width: Int, height: Int)?) -> TruthFinding {
        if told == true, mask.isEmpty {
            return .unusable(
                reason: "empty-mask",
                message: "its mask is empty, and truth.csv says that it shows a polyp: the image counts as one, and is not measured")
        }
        if told == false, !mask.isEmpty {
            return .unusable(
                reason: "contradicting-mask",
                message: "its mask shows a polyp, and truth.csv says that there is none, which counts: correct one of them")
        }
        if let size, size != (mask.mask.width, mask.mask.height) {
            return .unusable(
                reason: "mask-size",
                message: "its mask is of \(mask.mask.width)×\(mask.mask.height) pixels, the image of "
                    + "\(size.width)×\(size.height): give it a mask of its own size")
        }
        return .mask(mask)
    }
}
