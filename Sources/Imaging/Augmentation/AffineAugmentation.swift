import Foundation

/// torchvision's `RandomAffine` about the picture's centre, with bilinear look-up; what comes from outside is black.
public struct AffineAugmentation: Sendable, Hashable {
    /// The turn is uniform in ± this.
    public var rotationInDegrees: Double
    /// Each shift is uniform in ± this share of the side.
    public var translation: Double
    public var scale: ClosedRange<Double>
    /// The horizontal shear is uniform in ± this.
    public var shearInDegrees: Double

    public init(
        rotationInDegrees: Double = 0, translation: Double = 0, scale: ClosedRange<Double> = 1...1,
        shearInDegrees: Double = 0
    ) {
        self.rotationInDegrees = rotationInDegrees
        self.translation = translation
        self.scale = scale
        self.shearInDegrees = shearInDegrees
    }

    /// The picture, same size, under a map drawn from `generator`.
    public func apply(_ image: Image8, using generator: inout SeededGenerator) -> Image8 {
        let turn = generator.uniform(-rotationInDegrees...rotationInDegrees) * .pi / 180
        let shiftX = (generator.uniform(-translation...translation) * Double(image.width)).rounded()
        let shiftY = (generator.uniform(-translation...translation) * Double(image.height)).rounded()
        let zoom = generator.uniform(scale)
        let shear = generator.uniform(-shearInDegrees...shearInDegrees) * .pi / 180
        // Output = centre + shift + zoom · R(turn) · S(shear) · (input − centre), S: x ← x − tan(shear) · y.
        // The inverse, from output to input, is what the look-up needs.
        let (cosine, sine, slope) = (cos(turn), sin(turn), tan(shear))
        let inverse = (
            xx: (cosine - slope * sine) / zoom, xy: (sine + slope * cosine) / zoom, yx: -sine / zoom, yy: cosine / zoom
        )
        let (centreX, centreY) = (Double(image.width - 1) / 2, Double(image.height - 1) / 2)
        var result = Image8(width: image.width, height: image.height, channels: image.channels)
        for y in 0..<image.height {
            for x in 0..<image.width {
                let (dx, dy) = (Double(x) - centreX - shiftX, Double(y) - centreY - shiftY)
                let sourceX = inverse.xx * dx + inverse.xy * dy + centreX
                let sourceY = inverse.yx * dx + inverse.yy * dy + centreY
                for channel in 0..<image.channels {
                    result[x: x, y: y, channel: channel] = image.sample(x: sourceX, y: sourceY, channel: channel)
                }
            }
        }
        return result
    }
}

extension Image8 {
    /// The value between pixel centres, bilinear; pixels outside are black.
    fileprivate func sample(x: Double, y: Double, channel: Int) -> UInt8 {
        guard x > -1, y > -1, x < Double(width), y < Double(height) else { return 0 }
        let (left, top) = (Int(x.rounded(.down)), Int(y.rounded(.down)))
        let (right, down) = (Float(x - Double(left)), Float(y - Double(top)))
        func value(_ column: Int, _ row: Int) -> Float {
            guard column >= 0, row >= 0, column < width, row < height else { return 0 }
            return Float(pixels[(row * width + column) * channels + channel])
        }
        let upper = value(left, top) * (1 - right) + value(left + 1, top) * right
        let lower = value(left, top + 1) * (1 - right) + value(left + 1, top + 1) * right
        return Self.level(upper * (1 - down) + lower * down)
    }
}
