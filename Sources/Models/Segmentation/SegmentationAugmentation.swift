import Foundation
import NeuralNetwork

/// Moves an image and its mask alike: a rotation by up to ±90°, perhaps another size and place, then perhaps a flip up to
/// down and one left to right. What comes from outside the image is black, and no polyp, or mirrored. Rotation and flips
/// are the reference's own choice, off by default there.
public struct SegmentationAugmentation: Sendable, Hashable, Codable {
    /// What a training may be told to do.
    public enum Kind: String, Sendable, Hashable, NamedChoice {
        case none
        /// Flips both ways.
        case flips
        /// Rotation by up to 90° either way, then flips.
        case reference
        /// The same, at a half to 1.3 times the image's size anywhere in the frame, in other light and colours: what has
        /// been learnt from close-ups finds small polyps in whole frames.
        case wide
    }

    /// The largest rotation in degrees, either way.
    public var rotation: Double
    /// The probability of each flip.
    public var flip: Double
    /// So many times its size, drawn evenly in its logarithm; a smaller image lies anywhere in the frame, of a larger one
    /// any part is seen.
    public var zoom: ClosedRange<Double> = 1...1
    /// The probability that the image goes on mirrored where it ends, instead of in black.
    public var mirrors = 0.0
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
        var (scale, shiftX, shiftY, isMirrored) = (1.0, 0.0, 0.0, false)
        if zoom != 1...1 {
            scale = exp(log(zoom.lowerBound) + random.uniform() * log(zoom.upperBound / zoom.lowerBound))
            // As far as the image stays within the frame, or the frame within the image.
            (shiftX, shiftY) = ((random.uniform() - 0.5) * abs(1 - scale), (random.uniform() - 0.5) * abs(1 - scale))
            isMirrored = random.uniform() < mirrors
        }
        let (sine, cosine) = (sin(angle) / scale, cos(angle) / scale)
        let (middleX, middleY) = (Double(width) / 2, Double(height) / 2)
        var places: [Int] = []
        places.reserveCapacity(height * width)
        for row in 0..<height {
            let dy = Double(flipsRows ? height - 1 - row : row) + 0.5 - middleY - shiftY * Double(height)
            for column in 0..<width {
                let dx = Double(flipsColumns ? width - 1 - column : column) + 0.5 - middleX - shiftX * Double(width)
                var x = Int((cosine * dx - sine * dy + middleX).rounded(.down))
                var y = Int((sine * dx + cosine * dy + middleY).rounded(.down))
                if isMirrored { (x, y) = (Self.mirrored(x, width), Self.mirrored(y, height)) }
                places.append((0..<width).contains(x) && (0..<height).contains(y) ? y * width + x : -1)
            }
        }
        return places
    }

    /// The place within 0..<`side` where one lands that is reflected at both ends.
    private static func mirrored(_ place: Int, _ side: Int) -> Int {
        let turn = ((place % (2 * side)) + 2 * side) % (2 * side)
        return turn < side ? turn : 2 * side - 1 - turn
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
