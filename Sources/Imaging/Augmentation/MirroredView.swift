/// One of four ways to look at an image: as it is, mirrored, upside down, or both. A map of the view is turned back to lie over
/// the image.
public struct MirroredView: Sendable, Hashable {
    public var isMirrored: Bool
    public var isUpsideDown: Bool

    public init(isMirrored: Bool, isUpsideDown: Bool) {
        self.isMirrored = isMirrored
        self.isUpsideDown = isUpsideDown
    }

    /// The first so many: 1 as it is, 2 also mirrored, 4 also upside down.
    public static func first(_ count: Int) -> [MirroredView] {
        (0..<min(4, max(0, count))).map { MirroredView(isMirrored: $0 & 1 == 1, isUpsideDown: $0 & 2 == 2) }
    }

    /// The image as this view shows it.
    public func of(_ image: Image8) -> Image8 {
        var picture = image
        if isMirrored { picture = picture.flippedHorizontally() }
        if isUpsideDown { picture = picture.flippedVertically() }
        return picture
    }

    /// Numbers of a map of this view, `height` rows of `width`, as they lie over the image.
    public func undone(_ values: [Float], width: Int, height: Int) -> [Float] {
        guard isMirrored || isUpsideDown else { return values }
        return [Float](unsafeUninitializedCapacity: values.count) { turned, count in
            for y in 0..<height {
                let row = isUpsideDown ? height - 1 - y : y
                for x in 0..<width { turned[y * width + x] = values[row * width + (isMirrored ? width - 1 - x : x)] }
            }
            count = values.count
        }
    }
}
