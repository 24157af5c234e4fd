import Foundation

/// Makes a map of the foreground follow the image's edges: a fully connected conditional random field with two Gaussian
/// kernels, one of distance, one of distance and colour, solved by mean-field steps (Krähenbühl and Koltun, "Efficient
/// inference in fully connected CRFs with Gaussian edge potentials", NeurIPS 2011). Kernels are normalised symmetrically,
/// as in the authors' code; defaults are the method's (docs/Method.md, section 3, "Inference").
public struct DenseCRF: Sendable, Hashable {
    public var iterations = 10
    /// Of the kernel of distance: its deviation in pixels, and its weight.
    public var smoothDeviation: Float = 3
    public var smoothWeight: Float = 3
    /// Of the kernel of distance and colour: its deviations in pixels and in levels of 255, and its weight.
    public var pixelDeviation: Float = 80
    public var colourDeviation: Float = 13
    public var colourWeight: Float = 10

    public init() {}

    /// The probability of the foreground at each pixel after the last step.
    ///
    /// - Parameters:
    ///   - foreground: probabilities 0…1, one channel, of the image's size.
    ///   - image: three channels.
    /// - Throws: `ImagingError` (`invalidArgument`) for sizes that do not belong together, or numbers that are none.
    public func refined(_ foreground: FloatImage, on image: Image8) throws -> FloatImage {
        guard image.channels == 3, foreground.channels == 1, foreground.width == image.width,
            foreground.height == image.height, foreground.values.allSatisfy(\.isFinite)
        else {
            throw ImagingError(
                .invalidArgument,
                "a map of \(foreground.width)×\(foreground.height) with \(foreground.channels) channels, or one that holds "
                    + "no numbers, cannot be refined on an image of \(image.width)×\(image.height) with \(image.channels)")
        }
        let kernels = [
            Kernel(points: places(image, smoothDeviation), dimensions: 2, weight: smoothWeight),
            Kernel(points: placesAndColours(image), dimensions: 5, weight: colourWeight),
        ]
        // Background, foreground. No class is excluded for good.
        let evidence = foreground.values.map { value in
            let pair = PermutohedralLattice.Pair(1 - value, value).clamped(
                lowerBound: .init(repeating: 1e-5), upperBound: .init(repeating: 1))
            return PermutohedralLattice.Pair(log(pair.x), log(pair.y))
        }
        var belief = evidence.map(Self.normalised)
        for _ in 0..<iterations {
            var energy = evidence
            for kernel in kernels { kernel.add(belief, to: &energy) }
            belief = energy.map(Self.normalised)
        }
        return try FloatImage(width: image.width, height: image.height, values: belief.map(\.y))
    }

    private static func normalised(_ energy: PermutohedralLattice.Pair) -> PermutohedralLattice.Pair {
        let foreground = 1 / (1 + exp(energy.x - energy.y))
        return .init(1 - foreground, foreground)
    }

    private func places(_ image: Image8, _ deviation: Float) -> [Float] {
        var points: [Float] = []
        points.reserveCapacity(2 * image.width * image.height)
        for y in 0..<image.height {
            for x in 0..<image.width {
                points.append(Float(x) / deviation)
                points.append(Float(y) / deviation)
            }
        }
        return points
    }

    private func placesAndColours(_ image: Image8) -> [Float] {
        let places = places(image, pixelDeviation)
        var points: [Float] = []
        points.reserveCapacity(5 * image.width * image.height)
        for index in 0..<image.width * image.height {
            points.append(contentsOf: places[2 * index..<2 * index + 2])
            for level in image.pixels[3 * index..<3 * index + 3] { points.append(Float(level) / colourDeviation) }
        }
        return points
    }

    /// One Gaussian between all pairs of pixels, normalised by what each pixel would gather from ones.
    private struct Kernel {
        private let lattice: PermutohedralLattice
        private let norms: [Float]
        private let weight: Float

        init(points: [Float], dimensions: Int, weight: Float) {
            lattice = PermutohedralLattice(points: points, dimensions: dimensions)
            norms = lattice.filtered([PermutohedralLattice.Pair](repeating: .one, count: points.count / dimensions))
                .map { 1 / ($0.x + 1e-20).squareRoot() }
            self.weight = weight
        }

        func add(_ belief: [PermutohedralLattice.Pair], to energy: inout [PermutohedralLattice.Pair]) {
            let sums = lattice.filtered(zip(belief, norms).map { $0 * $1 })
            for index in energy.indices { energy[index] += weight * norms[index] * sums[index] }
        }
    }
}
