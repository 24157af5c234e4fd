/// Which pixels belong to something: a lesion's truth, a thresholded heat map.
public struct Mask: Sendable, Equatable {
    public let width: Int
    public let height: Int
    /// `height * width` values, row-major.
    public var bits: [Bool]

    /// A mask from its values.
    ///
    /// - Throws: `ImagingError` (`invalidArgument`) when there are not `width * height` of them.
    public init(width: Int, height: Int, bits: [Bool]) throws {
        guard width > 0, height > 0, bits.count == width * height else {
            throw ImagingError(.invalidArgument, "\(bits.count) values do not make a mask of \(width)×\(height)")
        }
        self.init(uncheckedWidth: width, height: height, bits: bits)
    }

    /// Pixels of at least `threshold`; a colour picture counts by its luma. Mask files are 0 and 255.
    public init(_ image: Image8, atLeast threshold: UInt8 = 128) {
        self.init(
            uncheckedWidth: image.width, height: image.height, bits: image.grey().pixels.map { $0 >= threshold })
    }

    /// Places where the first channel of a map is above `threshold`.
    public init(_ map: FloatImage, above threshold: Float) {
        let step = map.channels
        self.init(
            uncheckedWidth: map.width, height: map.height,
            bits: (0..<map.width * map.height).map { map.values[$0 * step] > threshold })
    }

    init(uncheckedWidth width: Int, height: Int, bits: [Bool]) {
        assert(bits.count == width * height)
        self.width = width
        self.height = height
        self.bits = bits
    }

    /// Whether a place, which must lie inside, belongs to it.
    public subscript(x x: Int, y y: Int) -> Bool {
        get { bits[y * width + x] }
        set { bits[y * width + x] = newValue }
    }

    /// Pixels that belong to it.
    public var area: Int { bits.reduce(0) { $0 + ($1 ? 1 : 0) } }

    /// The smallest box around all of it; nil when it is empty.
    public var boundingBox: Box? {
        var box: Box?
        for y in 0..<height {
            for x in 0..<width where bits[y * width + x] {
                let pixel = Box(x: x, y: y, width: 1, height: 1)
                guard let known = box else {
                    box = pixel
                    continue
                }
                box = Box(
                    x0: min(known.x0, x), y0: known.y0, x1: max(known.x1, pixel.x1), y1: pixel.y1)
            }
        }
        return box
    }

    /// Grey, 0 and 255: the form in which masks are written.
    public func image() -> Image8 {
        Image8(uncheckedWidth: width, height: height, channels: 1, pixels: bits.map { $0 ? 255 : 0 })
    }
}
