import Imaging

/// The endoscope's tip: where it is, where it looks, and its wide-angle lens (angle grows evenly from the centre).
struct Scope: Sendable {
    let place: Vector
    private let ahead: Vector
    private let right: Vector
    private let down: Vector
    /// The angle of the rim of the inscribed circle, in radians.
    private let halfAngle: Float

    init(using generator: inout SeededGenerator) {
        let angle = Float(generator.uniform(0...6.283))
        let off = Float(generator.uniform(0...0.4))
        place = Vector(off * PortableMath.cosine(angle), off * PortableMath.sine(angle), 0)
        let tilt = Float(generator.chance(0.35) ? generator.uniform(0.6...1.05) : generator.uniform(0...0.6))
        let heading = Float(generator.uniform(0...6.283))
        let (sine, cosine) = (PortableMath.sine(tilt), PortableMath.cosine(tilt))
        ahead = Vector(sine * PortableMath.cosine(heading), sine * PortableMath.sine(heading), cosine)
        let helper = abs(ahead.y) < 0.9 ? Vector(0, 1, 0) : Vector(1, 0, 0)
        let across = helper.cross(ahead).normalised
        let upright = ahead.cross(across)
        let roll = Float(generator.uniform(0...6.283))
        right = across * PortableMath.cosine(roll) + upright * PortableMath.sine(roll)
        down = ahead.cross(right)
        halfAngle = Float(generator.uniform(0.95...1.12))
    }

    /// The ray of a place on the picture; −1…1 is the inscribed circle.
    @inline(__always)
    func ray(_ x: Float, _ y: Float) -> Vector {
        let off = (x * x + y * y).squareRoot()
        let angle = min(off * halfAngle, 1.5)
        let sideways = off > 1e-6 ? PortableMath.sine(angle) / off : halfAngle
        return ahead * PortableMath.cosine(angle) + (right * x + down * y) * sideways
    }

    /// How large something of size 1 at distance 1 looks, in halves of the picture.
    var magnification: Float { 1 / halfAngle }
}
