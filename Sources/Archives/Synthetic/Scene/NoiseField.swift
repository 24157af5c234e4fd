import Imaging

/// Smooth random values in space: a periodic lattice of 32³ numbers in 0…1, read between its points.
struct NoiseField: Sendable {
    private static let side = 32
    private let lattice: [Float]

    init(seed: UInt64) {
        var generator = SeededGenerator(seed: seed, stream: "noise")
        lattice = (0..<Self.side * Self.side * Self.side).map { _ in Float(generator.next() >> 40) * 0x1p-24 }
    }

    /// The field while it is read often: the lattice's memory without bounds checks. It must not leave `body`.
    func withReader<Result>(_ body: (Reader) throws -> Result) rethrows -> Result {
        try lattice.withUnsafeBufferPointer { try body(Reader(lattice: $0)) }
    }

    struct Reader {
        fileprivate let lattice: UnsafeBufferPointer<Float>

        /// The value at a place, 0…1, about ½ on average; it varies over about one unit.
        @inline(__always)
        func value(_ x: Float, _ y: Float, _ z: Float) -> Float {
            let (floorX, floorY, floorZ) = (x.rounded(.down), y.rounded(.down), z.rounded(.down))
            // Masked to 0…31: every index lies within the 32³ numbers, whatever the place.
            let x0 = Int(floorX) & 31
            let y0 = (Int(floorY) & 31) << 5
            let z0 = (Int(floorZ) & 31) << 10
            let x1 = (x0 + 1) & 31
            let y1 = (y0 + 32) & 992
            let z1 = (z0 + 1024) & 31744
            var (fx, fy, fz) = (x - floorX, y - floorY, z - floorZ)
            fx = fx * fx * (3 - 2 * fx)
            fy = fy * fy * (3 - 2 * fy)
            fz = fz * fz * (3 - 2 * fz)
            guard let base = lattice.baseAddress else { return 0 }
            let a = base[x0 + y0 + z0] + (base[x1 + y0 + z0] - base[x0 + y0 + z0]) * fx
            let b = base[x0 + y1 + z0] + (base[x1 + y1 + z0] - base[x0 + y1 + z0]) * fx
            let c = base[x0 + y0 + z1] + (base[x1 + y0 + z1] - base[x0 + y0 + z1]) * fx
            let d = base[x0 + y1 + z1] + (base[x1 + y1 + z1] - base[x0 + y1 + z1]) * fx
            let near = a + (b - a) * fy
            return near + (c + (d - c) * fy - near) * fz
        }

        @inline(__always)
        func value(_ place: Vector) -> Float { value(place.x, place.y, place.z) }
    }
}
