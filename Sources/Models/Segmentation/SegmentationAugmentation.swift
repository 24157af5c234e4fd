import Foundation
import NeuralNetwork

/// Moves an image and its mask alike: a rotation by up to ±90°, then perhaps a flip up to down and one left to right.
/// What comes from outside the image is black, and no polyp. The reference's own choice, off by default there.
public struct SegmentationAugmentation: Sendable, Hashable, Codable {
    /// What a training may be told to do.
    public enum Kind: String, Sendable, Hashable, NamedChoice {
        case none
        /// Flips both ways.
        case flips
        /// Rotation by up to 90° either way, then flips.
        case reference
    }

    /// The largest rotation in degrees, either way.
    public var rotation: Double
    /// The probability of each flip.
    public var flip: Double
    /// What black is once it is normalised, for red, green and blue.
    public var black: [Float]

    public init(rotation: Double = 90, flip: Double = 0.5, black: [Float]) {
        self.rotation = rotation
        self.flip = flip
        self.black = black
    }

    /// A batch moved image by image: the draw depends on `seed` and an image's place in the batch alone.
    ///
    /// `images` is N,H,W,C with as many channels as `black` has numbers, `masks` N,H,W,1.
    public func moved(images: Tensor, masks: Tensor, seed: UInt64) throws -> (images: Tensor, masks: Tensor) {
        guard images.shape.count == 4, images.shape[3] == black.count, masks.shape == Array(images.shape.dropLast()) + [1]
        else {
            throw EngineError(
                .shapeMismatch, "images of \(images.shape) and masks of \(masks.shape) are not N,H,W,\(black.count) and N,H,W,1")
        }
        let (height, width) = (images.shape[1], images.shape[2])
        let sources = (0..<images.shape[0]).flatMap { image in
            places(height: height, width: width, seed: CounterRandom.mixed(seed, at: UInt64(image)))
        }
        return try (
            Self.gathered(images, sources, outside: black), Self.gathered(masks, sources, outside: [0])
        )
    }

    /// Which pixel of an image comes to each place, in rows; −1 for none.
    private func places(height: Int, width: Int, seed: UInt64) -> [Int] {
        var random = CounterRandom(seed: seed)
        let angle = (2 * random.uniform() - 1) * rotation * .pi / 180
        let (flipsRows, flipsColumns) = (random.uniform() < flip, random.uniform() < flip)
        let (sine, cosine) = (sin(angle), cos(angle))
        let (middleX, middleY) = (Double(width) / 2, Double(height) / 2)
        var places: [Int] = []
        places.reserveCapacity(height * width)
        for row in 0..<height {
            let dy = Double(flipsRows ? height - 1 - row : row) + 0.5 - middleY
            for column in 0..<width {
                let dx = Double(flipsColumns ? width - 1 - column : column) + 0.5 - middleX
                let x = Int((cosine * dx - sine * dy + middleX).rounded(.down))
                let y = Int((sine * dx + cosine * dy + middleY).rounded(.down))
                places.append((0..<width).contains(x) && (0..<height).contains(y) ? y * width + x : -1)
            }
        }
        return places
    }

    private static func gathered(_ x: Tensor, _ sources: [Int], outside: [Float]) throws -> Tensor {
        let channels = outside.count
        let pixels = x.shape[1] * x.shape[2]
        return try Tensor.filled(x.shape) { memory in
            x.withValues { values in
                for (place, source) in sources.enumerated() {
                    let from = (place / pixels * pixels + source) * channels
                    for channel in 0..<channels {
                        memory[place * channels + channel] = source < 0 ? outside[channel] : values[from + channel]
                    }
                }
            }
        }
    }
}
