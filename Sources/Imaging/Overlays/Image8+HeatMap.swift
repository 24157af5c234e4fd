extension Image8 {
    /// The picture with a heat map over it.
    ///
    /// The map is brought to the picture's size (bilinear) and coloured by `colours`. How much it covers grows with its
    /// value, from nothing at 0, so that mucosa without heat looks as it is.
    ///
    /// - Parameters:
    ///   - heat: one channel, of any size, 0…1.
    ///   - opacity: how much the hottest place is covered, 0…1.
    /// - Throws: `ImagingError` (`invalidArgument`) when the map has several channels.
    public func overlaid(with heat: FloatImage, colours: ColourMap = .jet, opacity: Float = 0.55) throws -> Image8 {
        guard heat.channels == 1 else {
            throw ImagingError(.invalidArgument, "a heat map has one channel, not \(heat.channels)")
        }
        let map = try heat.interpolated(width: width, height: height, mode: .bilinear(alignCorners: false))
        var result = rgb()
        for y in 0..<height {
            for x in 0..<width {
                let value = min(1, max(0, map[x: x, y: y]))
                guard value > 0 else { continue }
                // Smooth step: faint below a fifth, nearly full from four fifths.
                let cover = opacity * value * value * (3 - 2 * value)
                result.paint(x: x, y: y, colours.colour(value), opacity: cover)
            }
        }
        return result
    }
}
