/// torchvision's `ColorJitter` on 8-bit RGB: brightness, contrast, saturation and hue by random factors, in random
/// order.
public struct ColourJitter: Sendable, Hashable {
    /// The factor is uniform in `max(0, 1 − brightness)...(1 + brightness)`; contrast and saturation likewise.
    public var brightness: Double
    public var contrast: Double
    public var saturation: Double
    /// The shift is uniform in `−hue...hue`, in turns of the colour circle, at most ½.
    public var hue: Double

    public init(brightness: Double = 0, contrast: Double = 0, saturation: Double = 0, hue: Double = 0) {
        self.brightness = max(0, brightness)
        self.contrast = max(0, contrast)
        self.saturation = max(0, saturation)
        self.hue = min(0.5, max(0, hue))
    }

    /// The picture with factors drawn from `generator`; grey pictures keep one channel and have no hue or saturation.
    public func apply(_ image: Image8, using generator: inout SeededGenerator) -> Image8 {
        func factor(_ strength: Double) -> Double {
            strength > 0 ? generator.uniform(max(0, 1 - strength)...(1 + strength)) : 1
        }
        let factors = [factor(brightness), factor(contrast), factor(saturation)]
        let shift = hue > 0 ? generator.uniform(-hue...hue) : 0
        var result = image
        for operation in generator.shuffled([0, 1, 2, 3]) {
            switch operation {
            case 0 where factors[0] != 1: result = result.brightened(by: factors[0])
            case 1 where factors[1] != 1: result = result.contrasted(by: factors[1])
            case 2 where factors[2] != 1: result = result.saturated(by: factors[2])
            case 3 where shift != 0: result = result.hueShifted(byTurns: shift)
            default: break
            }
        }
        return result
    }
}

extension Image8 {
    /// Blended with black: factor 0 is black, 1 the picture.
    public func brightened(by factor: Double) -> Image8 { mapped { $0 * factor } }

    /// Blended with its mean luma: factor 0 is flat grey, 1 the picture.
    public func contrasted(by factor: Double) -> Image8 {
        let luma = grey().pixels
        let mean = (Double(luma.reduce(0) { $0 + Int($1) }) / Double(luma.count)).rounded()
        return mapped { mean + ($0 - mean) * factor }
    }

    /// Blended with its own luma: factor 0 is grey, 1 the picture.
    public func saturated(by factor: Double) -> Image8 {
        guard channels == 3 else { return self }
        let luma = grey().pixels
        var result = self
        let weight = Float(factor)
        result.pixels.withUnsafeMutableBufferPointer { pixels in
            for index in luma.indices {
                let base = Float(luma[index])
                for place in (3 * index)..<(3 * index + 3) {
                    pixels[place] = Self.level(base + (Float(pixels[place]) - base) * weight)
                }
            }
        }
        return result
    }

    /// Hue turned on the HSV circle by a part of a full turn.
    public func hueShifted(byTurns shift: Double) -> Image8 {
        guard channels == 3 else { return self }
        var result = self
        let turn = Float(shift - shift.rounded(.down)) * 6
        result.pixels.withUnsafeMutableBufferPointer { pixels in
            for place in stride(from: 0, to: pixels.count, by: 3) {
                let (red, green, blue) = (Float(pixels[place]), Float(pixels[place + 1]), Float(pixels[place + 2]))
                let value = max(red, green, blue)
                let chroma = value - min(red, green, blue)
                guard chroma > 0 else { continue }
                var hue: Float =
                    value == red
                    ? (green - blue) / chroma : value == green ? (blue - red) / chroma + 2 : (red - green) / chroma + 4
                hue += turn + (hue < 0 ? 6 : 0)
                // Each channel is `value` less a clipped ramp around the circle.
                for (channel, offset) in [Float(5), 3, 1].enumerated() {
                    let position = (offset + hue).truncatingRemainder(dividingBy: 6)
                    pixels[place + channel] = Self.level(value - chroma * max(0, min(position, 4 - position, 1)))
                }
            }
        }
        return result
    }

    private func mapped(_ change: (Double) -> Double) -> Image8 {
        let table = (0..<256).map { Self.level(Float(change(Double($0)))) }
        var result = self
        result.pixels.withUnsafeMutableBufferPointer { pixels in
            for index in pixels.indices { pixels[index] = table[Int(pixels[index])] }
        }
        return result
    }

    @inline(__always)
    static func level(_ value: Float) -> UInt8 { UInt8(max(0, min(255, value.rounded()))) }
}
