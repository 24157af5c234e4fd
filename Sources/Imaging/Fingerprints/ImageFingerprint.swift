/// What stays of a picture when it is saved again, resized, cropped a little, made brighter or written upon: by it copies
/// are found among many pictures.
///
/// Two parts, both of the luma at 64×64, whatever the picture's shape:
/// - **codes**: whether each of 16×16 places in the picture's middle is brighter than its surroundings, 256 bits; for the
///   whole picture, and for windows that a crop of 5 or 10 % may have left. Their distance is the first filter.
/// - **detail**: the differences from the surroundings themselves, which `CopyLikeness` lays over each other.
///
/// Lettering changes only the bits it lies on (a hash over the cosine transform of the whole picture would change all of
/// its bits), and the codes leave out the outer eighth, where borders and lettering of the processor are alike in strange pictures.
public struct ImageFingerprint: Sendable, Equatable {
    /// 64-bit words of a code.
    static let wordsPerCode = 4
    /// Places along each side of a code.
    static let codeSide = 16
    /// Side of the thumbnail, in pixels.
    static let side = 64

    /// `Window.all.count * wordsPerCode` words: a code for each window.
    let codes: [UInt64]
    /// `side * side` differences from the surroundings, row-major, in levels.
    let detail: [Int8]

    /// Of a picture of any size.
    ///
    /// - Throws: `ImagingError` for a picture that cannot be made smaller.
    public init(_ image: Image8) throws {
        let thumbnail = try image.grey().resized(width: Self.side, height: Self.side, filter: .box)
        let levels = thumbnail.pixels.map(Float.init)
        let bands = Self.subtract(Self.smoothed(levels, 4.6), from: Self.smoothed(levels, 1.7))
        var codes: [UInt64] = []
        codes.reserveCapacity(Window.all.count * Self.wordsPerCode)
        for window in Window.all { codes += Self.code(of: bands, in: window.middle(without: 0.12)) }
        self.codes = codes
        detail = Self.subtract(Self.smoothed(levels, 4), from: levels).map { Int8(max(-127, min(127, $0.rounded()))) }
    }

    /// The code of the whole picture.
    var wholeCode: ArraySlice<UInt64> { codes.prefix(Self.wordsPerCode) }

    /// Bit by bit whether the band is above 0 there. Neighbouring places are in different words, so that each word alone
    /// stands for the whole picture: row and column parity choose the word.
    private static func code(of bands: [Float], in window: Window) -> [UInt64] {
        var words = [UInt64](repeating: 0, count: wordsPerCode)
        let step = 1 / Float(codeSide)
        for row in 0..<codeSide {
            for column in 0..<codeSide {
                let x = window.x + (Float(column) + 0.5) * step * window.width
                let y = window.y + (Float(row) + 0.5) * step * window.height
                guard Self.sample(bands, x, y) > 0 else { continue }
                words[(row & 1) << 1 | column & 1] |= 1 << UInt64((row >> 1) * codeSide / 2 + column >> 1)
            }
        }
        return words
    }

    /// The map at a place in shares of its sides, bilinear between the pixels' centres; edges go on.
    private static func sample(_ map: [Float], _ x: Float, _ y: Float) -> Float {
        let (column, row) = (x * Float(side) - 0.5, y * Float(side) - 0.5)
        let (left, top) = (column.rounded(.down), row.rounded(.down))
        let (right, bottom) = (column - left, row - top)
        func at(_ x: Int, _ y: Int) -> Float { map[max(0, min(side - 1, y)) * side + max(0, min(side - 1, x))] }
        let (x0, y0) = (Int(left), Int(top))
        let upper = at(x0, y0) * (1 - right) + at(x0 + 1, y0) * right
        let lower = at(x0, y0 + 1) * (1 - right) + at(x0 + 1, y0 + 1) * right
        return upper * (1 - bottom) + lower * bottom
    }

    private static func subtract(_ map: [Float], from other: [Float]) -> [Float] {
        zip(other, map).map { $0 - $1 }
    }
}
