/// A point or a direction in the colon, in units of its radius; also linear red, green and blue.
struct Vector: Sendable {
    var x: Float
    var y: Float
    var z: Float

    @inline(__always)
    init(_ x: Float, _ y: Float, _ z: Float) {
        self.x = x
        self.y = y
        self.z = z
    }

    @inline(__always)
    static func + (one: Vector, other: Vector) -> Vector { Vector(one.x + other.x, one.y + other.y, one.z + other.z) }

    @inline(__always)
    static func - (one: Vector, other: Vector) -> Vector { Vector(one.x - other.x, one.y - other.y, one.z - other.z) }

    @inline(__always)
    static func * (one: Vector, factor: Float) -> Vector { Vector(one.x * factor, one.y * factor, one.z * factor) }

    @inline(__always)
    static func * (one: Vector, other: Vector) -> Vector { Vector(one.x * other.x, one.y * other.y, one.z * other.z) }

    @inline(__always)
    func dot(_ other: Vector) -> Float { x * other.x + y * other.y + z * other.z }

    @inline(__always)
    var length: Float { dot(self).squareRoot() }

    @inline(__always)
    var normalised: Vector { self * (1 / max(length, 1e-9)) }

    func cross(_ other: Vector) -> Vector {
        Vector(y * other.z - z * other.y, z * other.x - x * other.z, x * other.y - y * other.x)
    }

    @inline(__always)
    func mixed(with other: Vector, _ share: Float) -> Vector { self + (other - self) * share }
}
