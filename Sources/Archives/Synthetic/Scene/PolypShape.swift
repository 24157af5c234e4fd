import Imaging

/// A polyp's body and look.
struct PolypShape: Sendable {
    enum Form: String, Sendable, CaseIterable { case sessile, pedunculated, flat }

    let form: Form
    /// Where it stands on the wall, and the direction into the lumen there.
    let foot: Vector
    let up: Vector
    private let side: Vector
    private let other: Vector
    /// Half its width along the wall, in radii of the colon.
    let radius: Float
    private let centre: Vector
    private let radii: Vector
    private let stalkRadius: Float
    /// How softly it rises from the wall.
    private let blend: Float
    private let lobes: Float
    private let lobeFrequency: Float
    private let reach: Float

    init(
        form: Form, foot: Vector, up: Vector, radius: Float, isLobulated: Bool, using generator: inout SeededGenerator
    ) {
        self.form = form
        self.foot = foot
        self.radius = radius
        let lean = Vector(
            Float(generator.uniform(-0.35...0.35)), Float(generator.uniform(-0.35...0.35)),
            Float(generator.uniform(-0.35...0.35)))
        let up = (form == .pedunculated ? up + lean : up).normalised
        self.up = up
        let helper = abs(up.x) < 0.7 ? Vector(1, 0, 0) : Vector(0, 1, 0)
        let first = up.cross(helper).normalised
        let second = up.cross(first)
        let turn = Float(generator.uniform(0...6.283))
        side = first * PortableMath.cosine(turn) + second * PortableMath.sine(turn)
        other = up.cross(side)
        let oblong = Float(generator.uniform(0.75...1))
        switch form {
        case .sessile:
            let height = Float(generator.uniform(0.65...0.95))
            radii = Vector(radius, radius * oblong, radius * height)
            centre = foot + up * (radius * height * 0.35)
            blend = 0.16 * radius
            stalkRadius = 0
        case .pedunculated:
            radii = Vector(radius * 0.95, radius * oblong * 0.95, radius * 0.85)
            centre = foot + up * (radius * Float(generator.uniform(1.2...1.8)))
            blend = 0.12 * radius
            stalkRadius = radius * Float(generator.uniform(0.3...0.42))
        case .flat:
            radii = Vector(radius * 1.15, radius * 1.1 * oblong, radius * 0.36)
            centre = foot + up * (radius * 0.06)
            blend = 0.08 * radius
            stalkRadius = 0
        }
        lobes = (isLobulated ? 0.16 : 0.05) * radius * (form == .flat ? 0.6 : 1)
        lobeFrequency = (isLobulated ? 2.6 : 1.6) / radius
        reach = radius * 1.3
    }

    /// About how far `place` is from its surface, negative inside; far away only a lower bound.
    @inline(__always)
    func distance(_ place: Vector, _ noise: NoiseField.Reader) -> Float {
        let from = place - centre
        let far = from.length
        if stalkRadius == 0, far > reach + 2 * radius { return far - reach }
        let local = Vector(from.dot(side), from.dot(other), from.dot(up))
        let scaled = Vector(local.x / radii.x, local.y / radii.y, local.z / radii.z)
        let steep = Vector(scaled.x / radii.x, scaled.y / radii.y, scaled.z / radii.z).length
        let size = scaled.length
        var result = steep > 1e-6 ? size * (size - 1) / steep : -radius
        if result < radius * 0.6 {
            result += (noise.value(local * lobeFrequency + Vector(7.3, 1.9, 4.1)) - 0.5) * 2 * lobes
        }
        if stalkRadius > 0 {
            let along = max(0, min(1, (place - foot).dot(centre - foot) / (centre - foot).dot(centre - foot)))
            let stalk = (place - (foot + (centre - foot) * along)).length - stalkRadius
            result = Colon.smoothMinimum(result, stalk, stalkRadius * 0.5).value
        }
        return result
    }

    /// Softness of the seam with the wall.
    var seam: Float { blend }
}
