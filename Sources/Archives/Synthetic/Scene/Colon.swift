import Imaging

/// A stretch of colon seen from inside: a bent tube of radius about 1 with crescent folds, bumps and perhaps a polyp, as
/// a field of distances to its surface.
struct Colon: Sendable {
    private struct Fold: Sendable {
        let height: Float
        let cosine: Float
        let sine: Float
        let width: Float
    }

    /// A smooth swelling of ordinary mucosa, which is no polyp.
    private struct Bump: Sendable {
        let centre: Vector
        let radius: Float
    }

    private let bendX: Float
    private let bendY: Float
    private let triangle: (cosine: Float, sine: Float, strength: Float)
    private let foldsPerUnit: Float
    private let foldStart: Float
    private let warp: (cosine: Float, sine: Float)
    private let folds: [Fold]
    private var bumps: [Bump] = []
    var polyp: PolypShape?

    /// How far one sees; beyond it is dark.
    static let farthest: Float = 9

    init(using generator: inout SeededGenerator) {
        func draw(_ low: Double, _ high: Double) -> Float { Float(generator.uniform(low...high)) }
        bendX = draw(-0.11, 0.11)
        bendY = draw(-0.11, 0.11)
        let turn = draw(0, 6.283)
        triangle = (PortableMath.cosine(turn), PortableMath.sine(turn), draw(0.02, 0.11))
        foldsPerUnit = draw(0.75, 1.6)
        foldStart = draw(0, 1)
        warp = (draw(-0.25, 0.25), draw(-0.25, 0.25))
        let strength = draw(0.25, 1)
        folds = (0..<40).map { _ in
            let angle = draw(0, 6.283)
            return Fold(
                height: strength * draw(0.08, 0.42), cosine: PortableMath.cosine(angle),
                sine: PortableMath.sine(angle), width: draw(0.10, 0.2))
        }
    }

    /// Adds swellings at places on the wall.
    mutating func addBump(at foot: Vector, up: Vector, radius: Float) {
        bumps.append(Bump(centre: foot - up * (radius * 0.45), radius: radius))
    }

    /// The smaller of two distances with a round seam, and how much of it is the first.
    @inline(__always)
    static func smoothMinimum(_ one: Float, _ other: Float, _ seam: Float) -> (value: Float, share: Float) {
        let share = max(0, min(1, 0.5 + 0.5 * (other - one) / seam))
        return (other + (one - other) * share - seam * share * (1 - share), share)
    }

    /// About the distance from a place in the lumen to the bare wall.
    @inline(__always)
    func wall(_ place: Vector) -> Float {
        let curve = place.z * place.z / (1 + max(0, place.z) * 0.08)
        let dx = place.x - bendX * curve
        let dy = place.y - bendY * curve
        let off = (dx * dx + dy * dy).squareRoot()
        let (cosine, sine) = off > 1e-5 ? (dx / off, dy / off) : (1, 0)
        let cosine3 = cosine * (4 * cosine * cosine - 3)
        let sine3 = sine * (3 - 4 * sine * sine)
        let three = cosine3 * triangle.cosine - sine3 * triangle.sine
        var radius = 1 + triangle.strength * three
        let position = place.z * foldsPerUnit + foldStart + 12 + warp.cosine * cosine + warp.sine * sine + 0.08 * three
        let index = position.rounded(.down)
        let fold = folds[max(0, min(39, Int(index)))]
        let across = (position - index - 0.5) / fold.width
        let bell = 1 / (1 + across * across)
        let around = 0.5 + 0.5 * (cosine * fold.cosine + sine * fold.sine)
        radius -= fold.height * bell * bell * (0.15 + 0.85 * around * around)
        var result = radius - off
        for bump in bumps {
            let away = (place - bump.centre).length - bump.radius
            if away < result + bump.radius { result = Self.smoothMinimum(away, result, bump.radius * 0.6).value }
        }
        return result
    }

    /// About the distance to the nearest surface, and how much of that surface is polyp (0…1).
    @inline(__always)
    func distance(_ place: Vector, _ noise: NoiseField.Reader) -> (value: Float, polyp: Float) {
        let bare = wall(place)
        guard let polyp else { return (bare, 0) }
        let body = polyp.distance(place, noise)
        guard body < bare + polyp.seam else { return (bare, 0) }
        let joined = Self.smoothMinimum(body, bare, polyp.seam)
        return (joined.value, joined.share)
    }

    /// The direction away from the surface.
    func normal(_ place: Vector, _ noise: NoiseField.Reader) -> Vector {
        // Four corners of a tetrahedron.
        let step: Float = 0.006
        let a = distance(place + Vector(step, -step, -step), noise).value
        let b = distance(place + Vector(-step, -step, step), noise).value
        let c = distance(place + Vector(-step, step, -step), noise).value
        let d = distance(place + Vector(step, step, step), noise).value
        return Vector(a - b - c + d, -a - b + c + d, -a + b - c + d).normalised
    }

    /// How far along a ray its first hit is; `farthest` when there is none.
    @inline(__always)
    func hit(from origin: Vector, along ray: Vector, _ noise: NoiseField.Reader) -> Float {
        var way: Float = 0.03
        for _ in 0..<72 {
            let gap = distance(origin + ray * way, noise).value
            if gap < 0.005 * (1 + way) { return way }
            // Folds are steeper than a true distance: short steps, not to jump over their crests.
            way += max(gap * 0.62, 0.005)
            if way > Self.farthest { return Self.farthest }
        }
        return way
    }
}
