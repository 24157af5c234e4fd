/// A mask as COCO writes it uncompressed: lengths of alternating runs down the columns, the first of absent pixels
/// (possibly 0).
public struct RunLengthMask: Sendable, Hashable {
    public let width: Int
    public let height: Int
    public let counts: [Int]

    /// Run lengths from elsewhere.
    ///
    /// - Throws: `ImagingError` (`invalidRunLengths`) unless every count is at least 0 and they add up to
    ///   `height * width`.
    public init(width: Int, height: Int, counts: [Int]) throws {
        guard width > 0, height > 0, !width.multipliedReportingOverflow(by: height).overflow else {
            throw ImagingError(.invalidRunLengths, "run lengths for a mask of \(width)×\(height)")
        }
        var left = width * height
        for count in counts {
            guard count >= 0, count <= left else {
                throw ImagingError(
                    .invalidRunLengths, "run lengths do not add up to \(width)×\(height) (a run of \(count))")
            }
            left -= count
        }
        guard left == 0 else {
            throw ImagingError(.invalidRunLengths, "run lengths leave \(left) pixels of \(width)×\(height) unsaid")
        }
        self.width = width
        self.height = height
        self.counts = counts
    }

    /// The run lengths of a mask.
    public init(_ mask: Mask) {
        width = mask.width
        height = mask.height
        var counts: [Int] = []
        var current = false
        var length = 0
        for x in 0..<mask.width {
            for y in 0..<mask.height {
                if mask.bits[y * mask.width + x] != current {
                    counts.append(length)
                    current.toggle()
                    length = 0
                }
                length += 1
            }
        }
        self.counts = counts + [length]
    }

    /// Pixels that belong to the mask.
    public var area: Int {
        stride(from: 1, to: counts.count, by: 2).reduce(0) { $0 + counts[$1] }
    }

    /// The mask itself.
    public func mask() -> Mask {
        var bits = [Bool](repeating: false, count: width * height)
        var place = 0
        for (index, count) in counts.enumerated() {
            if index % 2 == 1 {
                for pixel in place..<(place + count) { bits[pixel % height * width + pixel / height] = true }
            }
            place += count
        }
        return Mask(uncheckedWidth: width, height: height, bits: bits)
    }
}
