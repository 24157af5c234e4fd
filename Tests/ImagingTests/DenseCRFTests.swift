import Foundation
import Imaging
import Testing

@Suite struct DenseCRFTests {
    /// Numbers in 0…1 by a formula, the same everywhere.
    private static func number(_ index: Int) -> Float { Float((index &* 7919 &+ index / 13 &* 104_729) % 1000) / 1000 }

    /// The lattice against the sums that it stands for. Its error is the published method's (some percent), and has no
    /// common direction: what a wrong neighbour or share would give is far more.
    @Test(arguments: [(2, Float(6)), (5, Float(2))]) func latticeSumsAsAGaussianDoes(dimensions: Int, extent: Float) {
        let count = 600
        let points = (0..<count * dimensions).map { Self.number($0) * extent }
        let x = (0..<count).map { PermutohedralLattice.Pair(Self.number(31 * $0 + 5), 1) }
        let made = PermutohedralLattice(points: points, dimensions: dimensions).filtered(x)
        var (both, ours, theirs) = (0.0, 0.0, 0.0)
        var (bothMeans, meansOurs, meansTheirs) = (0.0, 0.0, 0.0)
        for i in 0..<count {
            var sum = SIMD2<Double>.zero
            for j in 0..<count {
                var distance: Float = 0
                for axis in 0..<dimensions {
                    let step = points[i * dimensions + axis] - points[j * dimensions + axis]
                    distance += step * step
                }
                sum += Double(exp(-0.5 * distance)) * SIMD2<Double>(x[j])
            }
            // Up to a common factor: the cosine between all sums, and between all weighted means less their mean.
            (both, ours, theirs) = (both + Double(made[i].x) * sum.x, ours + pow(Double(made[i].x), 2), theirs + pow(sum.x, 2))
            let (mine, exact) = (Double(made[i].x / made[i].y) - 0.5, sum.x / sum.y - 0.5)
            (bothMeans, meansOurs, meansTheirs) = (bothMeans + mine * exact, meansOurs + mine * mine, meansTheirs + exact * exact)
        }
        #expect(both / (ours * theirs).squareRoot() > 0.995)
        #expect(bothMeans / (meansOurs * meansTheirs).squareRoot() > 0.95)
    }

    private static let (width, height) = (14, 10)

    private static func image() throws -> Image8 {
        try Image8(
            width: width, height: height, channels: 3,
            pixels: (0..<width * height * 3).map { index in
                let (x, y, channel) = (index / 3 % width, index / 3 / width, index % 3)
                return UInt8((x < 7 + y % 3 ? 180 : 60) + (x * 7 + y * 13 + channel * 29) % 31)
            })
    }

    private static func foreground() throws -> FloatImage {
        try FloatImage(
            width: width, height: height,
            values: (0..<width * height).map { 0.2 + 0.06 * Float(($0 % width * 5 + $0 / width * 3) % 11) })
    }

    /// Every seventh pixel, by the authors' code: ops/golden/dense_crf_fixture.py prints them.
    @Test(arguments: [
        (
            1,
            [
                0.202431, 0.319072, 0.383257, 0.508229, 0.570197, 0.685558, 0.730916, 0.197316, 0.268188, 0.370813, 0.393363,
                0.572339, 0.630619, 0.751875, 0.809994, 0.269183, 0.321609, 0.451796, 0.516329, 0.633368,
            ] as [Float]
        ),
        (
            3,
            [
                0.210168, 0.32345, 0.38537, 0.519642, 0.587849, 0.688522, 0.72768, 0.195036, 0.279824, 0.367232, 0.370615,
                0.587839, 0.637754, 0.759225, 0.820166, 0.276296, 0.321285, 0.467864, 0.534706, 0.645616,
            ]
        ),
    ])
    func equalsTheAuthorsCode(steps: Int, theirs: [Float]) throws {
        var field = DenseCRF()
        (field.iterations, field.smoothWeight, field.pixelDeviation, field.colourWeight) = (steps, 0.5, 20, 2)
        let ours = try field.refined(Self.foreground(), on: Self.image()).values
        for (index, value) in theirs.enumerated() {
            #expect(abs(ours[7 * index] - value) < 2e-6, "pixel \(7 * index): \(ours[7 * index]), not \(value)")
        }
    }

    @Test func aMapFollowsTheEdgeOfWhatItCoversRoughly() throws {
        let (side, edge) = (64, 30)
        let image = try Image8(
            width: side, height: side, channels: 3,
            pixels: (0..<side * side * 3).map { $0 / 3 % side < edge ? 190 : 60 })
        // The map ends six pixels beyond the edge.
        let rough = try FloatImage(
            width: side, height: side, values: (0..<side * side).map { $0 % side < edge + 6 ? 0.7 : 0.3 })
        let refined = try DenseCRF().refined(rough, on: image)
        let found = refined.values.map { $0 > 0.5 }
        #expect(found == (0..<side * side).map { $0 % side < edge })
    }

    @Test func refusesWhatDoesNotBelongTogether() throws {
        let image = try Image8(width: 4, height: 3, channels: 3, pixels: [UInt8](repeating: 9, count: 36))
        for map in [
            try FloatImage(width: 3, height: 4, values: [Float](repeating: 0.5, count: 12)),
            try FloatImage(width: 4, height: 3, values: [Float](repeating: .nan, count: 12)),
        ] {
            #expect(throws: ImagingError.self) { try DenseCRF().refined(map, on: image) }
        }
    }
}
