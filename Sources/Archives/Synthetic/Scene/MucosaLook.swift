import Imaging

/// The colours of a patient's mucosa, of his polyp, and what lies about: drawn once a view, read at every pixel.
struct MucosaLook: Sendable {
    /// How a polyp differs from what is around it.
    struct PolypLook: Sendable {
        let tint: Vector
        /// 0: hardly told by colour; 1: plainly.
        let contrast: Float
        /// Strength and fineness of its surface pattern.
        let pattern: Float
        let patternFrequency: Float
        let isReticular: Bool
    }

    /// What a patient's examination has in common; each view varies a little.
    struct Patient: Sendable {
        let base: Vector
        let vessels: Float
        let stool: Float

        init(using generator: inout SeededGenerator) {
            let red = Float(generator.uniform(0.8...0.88))
            let green = Float(generator.uniform(0.27...0.35))
            base = Vector(red, green, green * Float(generator.uniform(0.6...0.78)))
            vessels = generator.chance(0.7) ? Float(generator.uniform(0.25...0.75)) : 0.08
            stool = generator.chance(0.5) ? Float(generator.uniform(0...0.55)) : 0
        }
    }

    private let base: Vector
    private let offset: Vector
    private let vesselStrength: Float
    private let vesselFrequency: Float
    private let redness: Float
    private let stoolCover: Float
    private let stoolColour: Vector
    let wetness: Float
    let polyp: PolypLook

    init(patient: Patient, isNeoplastic: Bool, isSubtle: Bool, using generator: inout SeededGenerator) {
        func draw(_ low: Double, _ high: Double) -> Float { Float(generator.uniform(low...high)) }
        base = patient.base * Vector(draw(0.96, 1.04), draw(0.95, 1.05), draw(0.94, 1.06))
        offset = Vector(draw(0, 31), draw(0, 31), draw(0, 31))
        vesselStrength = patient.vessels * draw(0.7, 1.2)
        vesselFrequency = draw(2.2, 3.4)
        redness = draw(0.1, 0.5)
        let hasStool = generator.chance(Double(patient.stool) + 0.05)
        stoolCover = hasStool ? draw(0.66, 0.76) : 2
        stoolColour = Vector(draw(0.5, 0.7), draw(0.23, 0.34), draw(0.03, 0.08))
        wetness = draw(0.3, 0.8)
        let contrast = isSubtle ? draw(0.35, 0.55) : draw(0.75, 1)
        // Adenomas: redder, with a gyrated or reticular pattern. Hyperplastic ones: paler, fine dots.
        polyp = PolypLook(
            tint: isNeoplastic
                ? Vector(draw(0.84, 0.98), draw(0.3, 0.46), draw(0.38, 0.58))
                : Vector(draw(1.08, 1.2), draw(1.5, 1.85), draw(1.55, 2.0)),
            contrast: contrast, pattern: contrast * (isNeoplastic ? draw(0.4, 0.65) : draw(0.12, 0.28)),
            patternFrequency: isNeoplastic ? draw(9, 15) : draw(18, 26), isReticular: isNeoplastic)
    }

    /// What a surface looks like.
    struct Surface {
        var colour: Vector
        /// How much it shines, 0…1.
        var gloss: Float
    }

    /// The surface at a place; `polypSize` is the polyp's radius, by which its pattern is scaled.
    @inline(__always)
    func surface(at place: Vector, polyp share: Float, polypSize: Float, _ noise: NoiseField.Reader) -> Surface {
        let at = place + offset
        let broad = noise.value(at * 1.3)
        let middle = noise.value(at * 4.1)
        var colour = base
        // Redder and paler patches.
        let patch = (broad - 0.5) * 1.6 + (middle - 0.5) * 0.6 + (noise.value(at * 23) - 0.5) * 0.35
        colour =
            colour * Vector(1 + 0.05 * patch, 1 + (0.22 + 0.3 * redness) * patch, 1 + (0.26 + 0.3 * redness) * patch)
        if vesselStrength > 0.1, share < 0.99 {
            colour = colour.mixed(with: Vector(0.5, 0.12, 0.13), vessels(at, broad, middle, noise) * (1 - share))
        }
        if share > 0.01 {
            let tinted = colour * polyp.tint.mixed(with: Vector(1, 1, 1), 1 - polyp.contrast)
            let scale = polyp.patternFrequency * 0.35 / max(polypSize, 0.08)
            let wave = noise.value(at * scale + Vector(middle, broad, middle) * 2)
            // Gyri: dark lines where the noise crosses ½. Dots: dark where it is low.
            let dark =
                polyp.isReticular
                ? max(0, 1 - abs(wave - 0.5) * 7) : PortableMath.smoothStep(0.42, 0.25, wave)
            let patterned = tinted * (1 + polyp.pattern * (0.25 - dark * 0.9))
            colour = colour.mixed(with: patterned, share)
        }
        var gloss: Float = 1
        if stoolCover < 1 {
            let heap = noise.value(at * 2.1 + Vector(13, 5, 9)) * 0.75 + middle * 0.25
            let cover = PortableMath.smoothStep(stoolCover - 0.05, stoolCover + 0.03, heap) * (1 - 0.85 * share)
            if cover > 0 {
                colour = colour.mixed(with: stoolColour * (0.7 + 0.6 * noise.value(at * 17)), cover * 0.92)
                gloss -= 0.7 * cover
            }
        }
        return Surface(colour: colour, gloss: gloss)
    }

    /// Branching lines where two noises cross their middle; thick ones and a net of thin ones.
    @inline(__always)
    private func vessels(_ at: Vector, _ broad: Float, _ middle: Float, _ noise: NoiseField.Reader) -> Float {
        let bent = at * vesselFrequency + Vector(middle, broad, middle) * 1.5
        let thick = max(0, 1 - abs(noise.value(bent) - 0.5) * 16)
        let thin = max(0, 1 - abs(noise.value(bent * 2.3 + Vector(3, 8, 1)) - 0.5) * 11)
        let net = max(thick, 0.55 * thin) * PortableMath.smoothStep(0.38, 0.62, broad * 0.7 + middle * 0.3)
        return vesselStrength * 0.8 * net
    }
}
