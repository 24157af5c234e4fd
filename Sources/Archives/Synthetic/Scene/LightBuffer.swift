import Imaging

/// Linear light at every pixel, before the camera.
struct LightBuffer {
    let width: Int
    let height: Int
    private let geometry: GeometryBuffer
    private let frame: ProcessorFrame
    private(set) var light: [Vector]

    init(width: Int, height: Int, geometry: GeometryBuffer, frame: ProcessorFrame) {
        self.width = width
        self.height = height
        self.geometry = geometry
        self.frame = frame
        light = [Vector](repeating: Vector(0, 0, 0), count: width * height)
    }

    /// Lights the mucosa from two guides beside the lens: brightness falls with distance, wet surfaces that face the
    /// lens shine.
    mutating func shade(look: MucosaLook, polypSize: Float, scope: Scope, _ noise: NoiseField.Reader, seed: UInt64) {
        var generator = SeededGenerator(seed: seed, stream: "light")
        let guideAngle = Float(generator.uniform(0...6.283))
        let guide = Vector(PortableMath.cosine(guideAngle), PortableMath.sine(guideAngle), 0) * 0.12
        let bump = Float(generator.uniform(0.1...0.24))
        let bumpFrequency = Float(generator.uniform(7...16))
        let shininess = look.wetness
        for y in 0..<height {
            for x in 0..<width where frame.shows(x: Float(x), y: Float(y), margin: 1) {
                let seen = geometry.read(x: x, y: y)
                guard seen.depth < Colon.farthest else { continue }
                let surface = look.surface(at: seen.place, polyp: seen.polyp, polypSize: polypSize, noise)
                let toLamp = scope.place + guide - seen.place
                let far = toLamp.length
                let lamp = toLamp * (1 / max(far, 1e-6))
                let normal = seen.normal.normalised
                let facing = max(0, normal.dot(lamp))
                let falloff = 1 / (0.3 + far * far.squareRoot())
                let open = 0.35 + 0.65 * seen.openness
                var colour = surface.colour * ((0.12 + 0.88 * facing) * falloff * open)
                // The mucus film is uneven: the highlight is looked for on a rippled surface.
                if facing > 0.62 {
                    let ripple = Self.ripple(at: seen.place * bumpFrequency, noise)
                    let mirrored = (normal + ripple * (2 * bump)).normalised.dot(lamp)
                    let spot = PortableMath.smoothStep(0.993 - 0.009 * shininess, 0.9985, mirrored)
                    if spot > 0 {
                        let strength = spot * shininess * surface.gloss * 2.2 * min(1.6, falloff)
                        colour = colour + Vector(1, 0.97, 0.94) * strength
                    }
                }
                light[y * width + x] = colour
            }
        }
    }

    /// A random tilt, about −½…½ in each direction: two octaves, turned so that no edge follows the noise's lattice.
    @inline(__always)
    private static func ripple(at place: Vector, _ noise: NoiseField.Reader) -> Vector {
        let turned = Vector(
            0.36 * place.x + 0.48 * place.y - 0.8 * place.z, 0.6 * place.y - 0.8 * place.x,
            0.48 * place.x + 0.64 * place.y + 0.6 * place.z)
        let fine = Vector(turned.y, turned.z, turned.x) * 2.3 + place * 0.7
        return Vector(
            noise.value(turned) + 0.6 * noise.value(fine) - 0.8,
            noise.value(turned + Vector(11, 3, 7)) + 0.6 * noise.value(fine + Vector(2, 19, 6)) - 0.8,
            noise.value(turned + Vector(5, 17, 2)) + 0.6 * noise.value(fine + Vector(23, 8, 14)) - 0.8)
    }

    /// Air bubbles on the mucosa: a bright rim towards the lamp, a dim one opposite, a glint.
    mutating func addBubbles(using generator: inout SeededGenerator) {
        guard generator.chance(0.45) else { return }
        let side = Double(min(width, height))
        for _ in 0..<generator.integer(1...3) {
            let (centreX, centreY) = (
                generator.uniform(0.1...0.9) * Double(width), generator.uniform(0.1...0.9) * Double(height)
            )
            for _ in 0..<generator.integer(2...14) {
                let radius = Float(side * (0.006 + 0.028 * generator.uniform() * generator.uniform()))
                let x = Float(centreX + generator.uniform(-0.1...0.1) * side)
                let y = Float(centreY + generator.uniform(-0.07...0.07) * side)
                addBubble(x: x, y: y, radius: max(1.6, radius))
            }
        }
    }

    private mutating func addBubble(x: Float, y: Float, radius: Float) {
        let reach = Int(radius) + 2
        for row in max(0, Int(y) - reach)...max(0, min(height - 1, Int(y) + reach)) {
            for column in max(0, Int(x) - reach)...max(0, min(width - 1, Int(x) + reach)) {
                guard frame.shows(x: Float(column), y: Float(row), margin: 0), row < height, column < width else {
                    continue
                }
                let (dx, dy) = ((Float(column) - x) / radius, (Float(row) - y) / radius)
                let off = (dx * dx + dy * dy).squareRoot()
                guard off < 1.25 else { continue }
                let index = row * width + column
                let local = light[index]
                let level = max(local.x, 0.05)
                let rim = max(0, 1 - abs(off - 0.92) * radius * 0.9)
                let glint = max(
                    0, 1 - ((dx + 0.35) * (dx + 0.35) + (dy + 0.4) * (dy + 0.4)).squareRoot() * radius * 0.6)
                let bright = rim * (dx + dy < 0 ? 0.55 : 0.2) + glint * 1.3
                light[index] = local * (off < 0.9 ? 1.06 : 1) + Vector(level, level * 0.95, level * 0.9) * bright
            }
        }
    }

    /// The camera: automatic exposure to a drawn mean, white balance, focus and motion, a tone curve, sensor noise.
    func expose(cast: Vector, noise: Float, using generator: inout SeededGenerator) -> Image8 {
        let target = Float(generator.uniform(0.39...0.48))
        let balance =
            cast
            * Vector(
                Float(generator.uniform(0.97...1.03)), Float(generator.uniform(0.97...1.03)),
                Float(generator.uniform(0.96...1.04)))
        var (sum, count): (Float, Float) = (0, 0)
        for y in stride(from: 0, to: height, by: 2) {
            for x in stride(from: 0, to: width, by: 2) where frame.shows(x: Float(x), y: Float(y), margin: 0) {
                let pixel = light[y * width + x]
                sum += min(1, 0.4 * pixel.x + 0.6 * pixel.y).squareRoot()
                count += 1
            }
        }
        let gain = (target / max(sum / max(count, 1), 0.02)) * (target / max(sum / max(count, 1), 0.02))
        var picture = light.map { ($0 * balance) * gain }
        // The optics are never quite sharp, and a third of the stills is a little out of focus.
        let softness = generator.chance(0.35) ? 3 : 1
        picture = Self.blurred(picture, width: width, height: height, stepX: 1, stepY: 0, times: softness)
        picture = Self.blurred(picture, width: width, height: height, stepX: 0, stepY: 1, times: softness)
        if generator.chance(0.12) {
            let isSideways = generator.chance(0.5)
            picture = Self.blurred(
                picture, width: width, height: height, stepX: 1, stepY: isSideways ? 0 : 1,
                times: generator.integer(2...4))
        }
        var image = Image8(width: width, height: height, channels: 3)
        let amplitude = noise * 0.86
        for index in picture.indices {
            let (y, x) = index.quotientAndRemainder(dividingBy: width)
            guard frame.shows(x: Float(x), y: Float(y), margin: 0) else { continue }
            let bits = generator.next()
            let colour = picture[index]
            for (channel, value) in [colour.x, colour.y, colour.z].enumerated() {
                // Gamma ½ with a soft shoulder; three bytes added make nearly normal noise.
                let bent = value < 0.64 ? value : 0.64 + (value - 0.64) / (1 + 1.1 * (value - 0.64))
                let shift = UInt64(channel * 21)
                let dice =
                    Float((bits >> shift) & 127) + Float((bits >> (shift + 7)) & 127)
                    + Float((bits >> (shift + 14)) & 127)
                let level = 255 * bent.squareRoot() + (dice - 190.5) / 63.5 * amplitude
                image[x: x, y: y, channel: channel] = UInt8(max(0, min(255, level.rounded())))
            }
        }
        return image
    }

    /// Means of three neighbours along a direction, several times.
    private static func blurred(
        _ source: [Vector], width: Int, height: Int, stepX: Int, stepY: Int, times: Int
    ) -> [Vector] {
        var current = source
        for _ in 0..<times {
            var next = current
            for y in stepY..<(height - stepY) {
                for x in stepX..<(width - stepX) {
                    let index = y * width + x
                    let step = stepY * width + stepX
                    next[index] = (current[index - step] + current[index] * 2 + current[index + step]) * 0.25
                }
            }
            current = next
        }
        return current
    }
}
