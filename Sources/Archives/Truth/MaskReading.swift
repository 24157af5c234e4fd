import Imaging

/// From a picture's numbers to a mask's bits, or the reason why they are none.
struct MaskReading {
    private let picture: PictureSamples
    private(set) var assumptions: Set<TruthMask.Assumption> = []

    private var count: Int { picture.width * picture.height }

    /// Levels up to this one beside 0 are numbers of classes, unless it is 1 alone.
    private static let lastClass = 15

    init(_ picture: PictureSamples) { self.picture = picture }

    /// Row-major, true where the polyp is.
    ///
    /// - Throws: `ArchiveError.ambiguousMask`.
    mutating func bits() throws -> [Bool] {
        if picture.limit > 255 { assumptions.insert(.deep) }
        if !picture.isExact { assumptions.insert(.jpeg) }
        let bits = try plainBits ?? divided(plane())
        let (width, height) = (picture.width, picture.height)
        let corners = [0, width - 1, (height - 1) * width, height * width - 1]
        guard !corners.allSatisfy({ bits[$0] }) || bits.count(where: { $0 }) * 2 <= count else {
            throw Self.ambiguous("polyp fills most of it and all four corners; is it inverted? White is polyp, black is not")
        }
        return bits
    }

    /// The bits of the plain form; nil for all others.
    private var plainBits: [Bool]? {
        guard picture.channels == 1, picture.limit == 255, picture.isExact,
            picture.values.allSatisfy({ $0 == 0 || $0 == 255 })
        else { return nil }
        return picture.values.map { $0 > 0 }
    }

    // MARK: Numbers to colours

    /// A pixel's colour as one number, red, green and blue in 16 bits each; grey in all three.
    private struct Colour: Hashable {
        var red: UInt16
        var green: UInt16
        var blue: UInt16

        var level: Int { Int(max(red, green, blue)) }
        var isGrey: Bool { red == green && green == blue }

        func differs(from other: Colour, by tolerance: Int) -> Bool {
            abs(Int(red) - Int(other.red)) > tolerance || abs(Int(green) - Int(other.green)) > tolerance
                || abs(Int(blue) - Int(other.blue)) > tolerance
        }
    }

    /// The picture without alpha: alpha itself where that is the mask, or else composed over black.
    private mutating func plane() throws -> [Colour] {
        let (channels, values) = (picture.channels, picture.values)
        let hasColour = channels >= 3
        let hasAlpha = channels == 2 || channels == 4
        func colour(_ pixel: Int) -> Colour {
            let place = pixel * channels
            return hasColour
                ? Colour(red: values[place], green: values[place + 1], blue: values[place + 2])
                : Colour(red: values[place], green: values[place], blue: values[place])
        }
        let colours = (0..<count).map(colour)
        guard hasAlpha else { return colours }
        let alpha = (0..<count).map { values[$0 * channels + channels - 1] }
        guard let first = alpha.first, alpha.contains(where: { $0 != first }) || first < picture.limit else { return colours }
        guard alpha.contains(where: { $0 > 0 }) || colours.allSatisfy({ $0 == colours[0] }) else {
            throw Self.ambiguous("all of it is transparent, and its colours differ: save it without an alpha channel")
        }
        let isOneColour = picture.limit > 255 ? drawsOneDeepColour(colours, alpha) : drawsOneColour(colours, alpha)
        guard isOneColour else {
            return zip(colours, alpha).map { colour, alpha in
                func composed(_ value: UInt16) -> UInt16 {
                    picture.limit > 255 ? value : UInt16((Int(value) * Int(alpha) + Int(picture.limit) / 2) / Int(picture.limit))
                }
                return Colour(red: composed(colour.red), green: composed(colour.green), blue: composed(colour.blue))
            }
        }
        assumptions.insert(.alpha)
        return alpha.map { Colour(red: $0, green: $0, blue: $0) }
    }

    /// Whether all that is not wholly transparent has one colour.
    private func drawsOneColour(_ colours: [Colour], _ alpha: [UInt16]) -> Bool {
        guard let first = alpha.firstIndex(where: { $0 > 0 }) else { return true }
        for pixel in colours.indices where alpha[pixel] > 0 && colours[pixel] != colours[first] { return false }
        return true
    }

    /// The same in 16 bits, whose samples come multiplied by their alpha: a colour has its own level only where it is drawn at
    /// full strength, and white has the level of its alpha everywhere.
    private func drawsOneDeepColour(_ colours: [Colour], _ alpha: [UInt16]) -> Bool {
        if colours.indices.allSatisfy({ colours[$0].level == Int(alpha[$0]) }) { return true }
        return alpha.allSatisfy { $0 == 0 || $0 == .max } && drawsOneColour(colours, alpha)
    }

    // MARK: Colours to bits

    private mutating func divided(_ colours: [Colour]) throws -> [Bool] {
        var kinds = Set<Colour>()
        for colour in colours where kinds.count <= 8 { kinds.insert(colour) }
        let levels = colours.map(\.level)
        let (least, top) = (levels.min() ?? 0, levels.max() ?? 0)
        guard top > 0 else { return levels.map { _ in false } }
        if !colours.allSatisfy(\.isGrey) {
            assumptions.insert(.colour)
            try requireOneColour(colours, top: top)
        }
        if top == 1, least == 0, picture.isExact {
            assumptions.insert(.zeroAndOne)
            return levels.map { $0 == 1 }
        }
        guard top > Self.lastClass else {
            throw Self.ambiguous(
                picture.isExact
                    ? "its levels go from \(least) to \(top), like numbers of classes; which of them is polyp?"
                    : "its brightest level is \(top): JPEG does not keep masks of 0 and 1; save it as PNG")
        }
        guard least * 8 <= top else {
            throw Self.ambiguous(
                kinds.count == 1 ? "it is of one level, \(top), and that is not 0" : "none of its levels is black; which of them is polyp?")
        }
        try requireTwoLevels(colours, levels, kinds: kinds.count, top: top)
        if top < Int(picture.limit) * 7 / 8 { assumptions.insert(.otherLevels) }
        // 128 of 255 has always been ground: half itself does not count.
        return levels.map { $0 * 2 > top + 1 }
    }

    /// Refuses a second colour that is an area and not the edge between colour and black.
    private func requireOneColour(_ colours: [Colour], top: Int) throws {
        let bright = colours.filter { $0.level * 2 > top }
        guard !bright.isEmpty else { return }
        func mean(_ channel: KeyPath<Colour, UInt16>) -> UInt16 {
            UInt16(bright.reduce(0) { $0 + Int($1[keyPath: channel]) } / bright.count)
        }
        let usual = Colour(red: mean(\.red), green: mean(\.green), blue: mean(\.blue))
        let isOther = colours.map { $0.level * 2 > top && $0.differs(from: usual, by: top / 4) }
        guard !hasArea(isOther) else { throw Self.ambiguous("it has areas of more than one colour; which of them is polyp?") }
    }

    /// Refuses classes, that is areas of a third level, and soft maps. Smoothed edges and the noise of JPEG have neither.
    private func requireTwoLevels(_ colours: [Colour], _ levels: [Int], kinds: Int, top: Int) throws {
        guard kinds > 2 else { return }
        let isMiddle = levels.map { $0 * 4 > top && $0 * 4 < top * 3 }
        let middle = isMiddle.count { $0 }
        let bright = levels.count { $0 * 4 >= top * 3 }
        guard !hasArea(isMiddle), middle < 50 || middle <= bright else {
            throw Self.ambiguous("it has grey levels between polyp and ground over whole areas: is it a soft map, or of classes?")
        }
        guard picture.isExact else { return }
        let flat = flatColours(colours)
        let between = flat.filter { $0.level * 8 > top && $0.level * 8 < top * 7 }
        guard between.isEmpty, kinds > 8 || flat.count < 3 else {
            throw Self.ambiguous("it has areas of \(flat.count) levels, like numbers of classes; which of them is polyp?")
        }
    }

    // MARK: Areas

    /// Half the side of what counts as an area: 5 × 5 pixels.
    private static let reach = 2

    /// Whether somewhere all pixels of a window are set.
    private func hasArea(_ isSet: [Bool]) -> Bool {
        let (width, height, side) = (picture.width, picture.height, 2 * Self.reach + 1)
        guard width >= side, height >= side else { return isSet.count(where: { $0 }) * 2 > count }
        // Pixels set in a row up to here, and rows of whole windows above.
        var rows = [Int](repeating: 0, count: width)
        for y in 0..<height {
            var run = 0
            for x in 0..<width {
                run = isSet[y * width + x] ? run + 1 : 0
                rows[x] = run >= side ? rows[x] + 1 : 0
                if rows[x] >= side { return true }
            }
        }
        return false
    }

    /// Colours of which some window is full.
    private func flatColours(_ colours: [Colour]) -> Set<Colour> {
        let (width, height, side) = (picture.width, picture.height, 2 * Self.reach + 1)
        guard width >= side, height >= side else { return [] }
        var flat = Set<Colour>()
        // Rows above, of this column's colour, in each of which the colour runs over the window's width.
        var rows = [Int](repeating: 0, count: width)
        var last = [Colour?](repeating: nil, count: width)
        for y in 0..<height {
            var run = 0
            for x in 0..<width {
                let colour = colours[y * width + x]
                run = x > 0 && colours[y * width + x - 1] == colour ? run + 1 : 1
                rows[x] = run >= side ? (last[x] == colour ? rows[x] + 1 : 1) : 0
                last[x] = colour
                if rows[x] >= side { flat.insert(colour) }
            }
        }
        return flat
    }

    private static func ambiguous(_ reason: String) -> ArchiveError {
        ArchiveError(.ambiguousMask, "the mask may mean two things: \(reason)")
    }
}
