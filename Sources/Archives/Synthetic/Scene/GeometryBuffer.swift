/// What the scope sees at every second pixel: places, directions and materials, to be read between its points.
///
/// Geometry is the dear part of a picture and has few details; colours and highlights are made at full size.
struct GeometryBuffer {
    /// What is seen at a point.
    struct Sample {
        var place = Vector(0, 0, 0)
        var normal = Vector(0, 0, 1)
        var depth: Float = 0
        /// How much of the surface is polyp.
        var polyp: Float = 0
        /// 1 in the open, towards 0 in corners.
        var openness: Float = 1
    }

    let columns: Int
    let rows: Int
    private let width: Int
    private let height: Int
    private(set) var samples: [Sample]

    /// - Parameter isSeen: whether a pixel of the picture will be shown; others are not computed.
    init(
        colon: Colon, scope: Scope, width: Int, height: Int, noise: NoiseField.Reader, isSeen: (Float, Float) -> Bool
    ) {
        self.width = width
        self.height = height
        columns = (width + 1) / 2 + 1
        rows = (height + 1) / 2 + 1
        samples = [Sample](repeating: Sample(), count: columns * rows)
        let scale = 2 / Float(min(width, height))
        for row in 0..<rows {
            for column in 0..<columns {
                let (x, y) = (Float(column * 2), Float(row * 2))
                guard isSeen(x, y) else { continue }
                let ray = scope.ray((x - Float(width) * 0.5) * scale, (y - Float(height) * 0.5) * scale)
                let depth = colon.hit(from: scope.place, along: ray, noise)
                var sample = Sample()
                sample.depth = depth
                sample.place = scope.place + ray * depth
                if depth < Colon.farthest {
                    sample.normal = colon.normal(sample.place, noise)
                    sample.polyp = colon.distance(sample.place, noise).polyp
                    let probe = 0.04 + 0.05 * depth
                    sample.openness = max(
                        0, min(1, colon.distance(sample.place + sample.normal * probe, noise).value / probe))
                } else {
                    sample.normal = ray * -1
                }
                samples[row * columns + column] = sample
            }
        }
    }

    /// What is seen at a pixel, between the four points around it. Normals are not of length 1.
    @inline(__always)
    func read(x: Int, y: Int) -> Sample {
        let index = (y >> 1) * columns + (x >> 1)
        let (oddX, oddY) = (x & 1 == 1, y & 1 == 1)
        if !oddX, !oddY { return samples[index] }
        if !oddY { return Self.middle(samples[index], samples[index + 1]) }
        if !oddX { return Self.middle(samples[index], samples[index + columns]) }
        return Self.middle(
            Self.middle(samples[index], samples[index + 1]),
            Self.middle(samples[index + columns], samples[index + columns + 1]))
    }

    @inline(__always)
    private static func middle(_ one: Sample, _ other: Sample) -> Sample {
        var result = Sample()
        // Across an edge the nearer surface covers the farther one: no place hangs in the air between them.
        if abs(one.depth - other.depth) > 0.25 * min(one.depth, other.depth) {
            result = one.depth < other.depth ? one : other
            result.normal = (one.normal + other.normal) * 0.5
            result.polyp = (one.polyp + other.polyp) * 0.5
            return result
        }
        result.place = (one.place + other.place) * 0.5
        result.normal = (one.normal + other.normal) * 0.5
        result.depth = (one.depth + other.depth) * 0.5
        result.polyp = (one.polyp + other.polyp) * 0.5
        result.openness = (one.openness + other.openness) * 0.5
        return result
    }
}
