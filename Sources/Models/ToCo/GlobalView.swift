import Foundation
import NeuralNetwork

/// A second look at a whole image, for the class-token contrast: a large part of it, of random place, size and shape, at the
/// image's own size again (METHOD.md, section 3).
public struct GlobalView: Sendable, Hashable, Codable {
    /// The smallest share of the image's area that a part has; the largest is all of it.
    public var smallestShare: Double
    /// Width by height is between 1 / this and this.
    public var stretch: Double

    public init(smallestShare: Double = 0.4, stretch: Double = 4.0 / 3) {
        self.smallestShare = smallestShare
        self.stretch = stretch
    }

    /// A view of each of `images` (N,H,W,3), interpolated bicubically.
    package func callAsFunction(_ images: Tensor, random: inout CounterRandom) throws -> Tensor {
        let (height, width) = (images.shape[1], images.shape[2])
        return try Tensor.concatenated(
            (0..<images.shape[0]).map { image in
                let part = part(ofHeight: height, width: width, random: &random)
                let cut = try images.part(
                    ofImage: image, top: part.top, left: part.left, height: part.height, width: part.width)
                return try ForwardPass(.evaluation).resizedCubically(cut, height: height, width: width)
            })
    }

    /// A part that lies within the image; after ten draws that do not fit, all of it.
    package func part(
        ofHeight height: Int, width: Int, random: inout CounterRandom
    ) -> (top: Int, left: Int, height: Int, width: Int) {
        for _ in 0..<10 {
            let area = Double(height * width) * (smallestShare + (1 - smallestShare) * random.uniform())
            let shape = exp(log(stretch) * (2 * random.uniform() - 1))
            let (h, w) = (Int((area / shape).squareRoot().rounded()), Int((area * shape).squareRoot().rounded()))
            let (y, x) = (random.uniform(), random.uniform())
            guard (1...height).contains(h), (1...width).contains(w) else { continue }
            return (Int(y * Double(height - h + 1)), Int(x * Double(width - w + 1)), h, w)
        }
        return (0, 0, height, width)
    }
}
