/// Drawing changes the picture in place; what falls outside is cut off. Colours become luma on a grey picture.
extension Image8 {
    /// Puts a colour on a pixel, mixed with what is there.
    public mutating func paint(x: Int, y: Int, _ colour: Colour, opacity: Float = 1) {
        guard x >= 0, y >= 0, x < width, y < height else { return }
        let place = (y * width + x) * channels
        for channel in 0..<channels {
            let target =
                channels == 3
                ? Float(colour[channel])
                : 0.299 * Float(colour.red) + 0.587 * Float(colour.green) + 0.114 * Float(colour.blue)
            let base = Float(pixels[place + channel])
            pixels[place + channel] = Self.level(base + (target - base) * opacity)
        }
    }

    /// Fills a box.
    public mutating func fill(_ box: Box, _ colour: Colour, opacity: Float = 1) {
        let inside = box.intersection(Box(x: 0, y: 0, width: width, height: height))
        guard !inside.isEmpty else { return }
        for y in inside.y0..<inside.y1 {
            for x in inside.x0..<inside.x1 { paint(x: x, y: y, colour, opacity: opacity) }
        }
    }

    /// Draws a box's frame inwards from its edge, with a thin dark line on both sides so that it stands out anywhere.
    ///
    /// - Parameter thickness: pixels; nil for one suited to the picture's size.
    public mutating func draw(_ box: Box, _ colour: Colour, thickness: Int? = nil) {
        let line = thickness ?? lineThickness
        frame(
            Box(x0: box.x0 - 1, y0: box.y0 - 1, x1: box.x1 + 1, y1: box.y1 + 1), .black, thickness: line + 2,
            opacity: 0.55)
        frame(box, colour, thickness: line, opacity: 1)
    }

    /// Draws the outline of a mask of the picture's size.
    ///
    /// - Throws: `ImagingError` (`invalidArgument`) when the sizes differ.
    public mutating func draw(outlineOf mask: Mask, _ colour: Colour, thickness: Int? = nil) throws {
        guard mask.width == width, mask.height == height else {
            throw ImagingError(
                .invalidArgument, "a mask of \(mask.width)×\(mask.height) on a picture of \(width)×\(height)")
        }
        let reach = (thickness ?? lineThickness) - 1
        for y in 0..<height {
            for x in 0..<width where mask[x: x, y: y] {
                let isEdge =
                    x == 0 || y == 0 || x == width - 1 || y == height - 1 || !mask[x: x - 1, y: y]
                    || !mask[x: x + 1, y: y] || !mask[x: x, y: y - 1] || !mask[x: x, y: y + 1]
                if isEdge { fill(Box(x0: x - reach, y0: y - reach, x1: x + 1, y1: y + 1), colour) }
            }
        }
    }

    /// Writes a line of text; `x`, `y` is its upper left corner.
    ///
    /// - Parameters:
    ///   - scale: pixels a dot of the 5×8 typeface.
    ///   - shadow: a dark edge around the letters, for text on pictures.
    public mutating func write(
        _ text: String, x: Int, y: Int, _ colour: Colour = .white, scale: Int = 1, shadow: Bool = false
    ) {
        let dots = max(1, scale)
        for pass in shadow ? [true, false] : [false] {
            var left = x
            for character in text.unicodeScalars {
                for row in 0..<BitmapFont.height {
                    for column in 0..<BitmapFont.width where BitmapFont.isSet(character, column: column, row: row) {
                        let dot = Box(x: left + column * dots, y: y + row * dots, width: dots, height: dots)
                        if pass {
                            let edge = Box(x0: dot.x0 - 1, y0: dot.y0 - 1, x1: dot.x1 + 1, y1: dot.y1 + 1)
                            fill(edge, .black, opacity: 0.6)
                        } else {
                            fill(dot, colour)
                        }
                    }
                }
                left += BitmapFont.advance * dots
            }
        }
    }

    /// How wide `write` makes a line, in pixels.
    public static func textWidth(_ text: String, scale: Int = 1) -> Int {
        max(0, text.unicodeScalars.count * BitmapFont.advance - 1) * max(1, scale)
    }

    /// Puts another picture on this one, its upper left corner at `x`, `y`.
    public mutating func put(_ image: Image8, x: Int, y: Int) {
        let source = channels == 3 ? image.rgb() : image.grey()
        let inside = Box(x: x, y: y, width: source.width, height: source.height)
            .intersection(Box(x: 0, y: 0, width: width, height: height))
        guard !inside.isEmpty else { return }
        for row in inside.y0..<inside.y1 {
            let from = ((row - y) * source.width + inside.x0 - x) * channels
            let to = (row * width + inside.x0) * channels
            let length = inside.width * channels
            pixels.replaceSubrange(to..<(to + length), with: source.pixels[from..<(from + length)])
        }
    }

    private var lineThickness: Int { max(1, min(width, height) / 140) }

    private mutating func frame(_ box: Box, _ colour: Colour, thickness: Int, opacity: Float) {
        let line = min(thickness, max(1, min(box.width, box.height) / 2))
        fill(Box(x0: box.x0, y0: box.y0, x1: box.x1, y1: box.y0 + line), colour, opacity: opacity)
        fill(Box(x0: box.x0, y0: box.y1 - line, x1: box.x1, y1: box.y1), colour, opacity: opacity)
        fill(Box(x0: box.x0, y0: box.y0 + line, x1: box.x0 + line, y1: box.y1 - line), colour, opacity: opacity)
        fill(Box(x0: box.x1 - line, y0: box.y0 + line, x1: box.x1, y1: box.y1 - line), colour, opacity: opacity)
    }
}
