import Foundation
import NeuralNetwork

/// The regularised loss of ToCo's decoder: masks should not cut through what looks alike and lies near (normalised
/// dense energy, Tang et al., ECCV 2018). An option: the reference's run does not use it.
///
/// With s the probabilities of a class at each pixel and w the product of two Gaussians, of distance and of colour,
/// E = (1/N) Σ_classes Σ_ij w_ij sᵢ (1 − sⱼ). It is computed on a grid of at most `side` pixels a side, all pairs: no
/// approximation of the filter, and a gradient that is exact on that grid.
public struct DenseEnergy: Sendable, Hashable, Codable {
    public var weight: Float
    /// Pixels along the longer side of the grid.
    public var side: Int
    /// Deviation of distances, in shares of the longer side.
    public var distance: Float
    /// Deviation of each colour in the numbers that the network sees. The default is 15 of 255 levels of images
    /// normalised as ImageNet's.
    public var colour: [Float]

    public init(
        weight: Float, side: Int = 56, distance: Float = 100.0 / 448,
        colour: [Float] = [0.229, 0.224, 0.225].map { 15.0 / 255 / $0 }
    ) {
        self.weight = weight
        self.side = side
        self.distance = distance
        self.colour = colour
    }

    /// `logits` is N,h,w,2 on the grid, `colours` N,h,w,3. Not yet times `weight`. Mean over images.
    public func callAsFunction(_ logits: Tensor, colours: Tensor) throws -> LossGradient {
        guard logits.shape.count == 4, logits.shape[3] == 2, colours.shape == Array(logits.shape.dropLast()) + [3],
            colour.count == 3, colour.allSatisfy({ $0 > 0 })
        else {
            throw EngineError(
                .shapeMismatch, "colours of \(colours.shape) do not belong to logits of \(logits.shape) (N,h,w,2)")
        }
        let (images, height, width) = (logits.shape[0], logits.shape[1], logits.shape[2])
        let pixels = height * width
        let far = 0.5 / pow(distance * Float(max(height, width)), 2)
        let apart = colour.map { 0.5 / ($0 * $0) }
        var sum = 0.0
        let gradient = try Tensor.filled(logits.shape) { gradient in
            for image in 0..<images {
                let foreground = logits.withValues { logits in
                    (image * pixels..<(image + 1) * pixels).map { 1 / (1 + exp(logits[2 * $0] - logits[2 * $0 + 1])) }
                }
                let own = colours.withValues { Array($0[image * pixels * 3..<(image + 1) * pixels * 3]) }
                for i in 0..<pixels {
                    let (x, y) = (i % width, i / width)
                    // Σ_j w_ij and Σ_j w_ij·sⱼ.
                    var (all, kept): (Float, Float) = (0, 0)
                    for j in 0..<pixels {
                        let (dx, dy) = (Float(x - j % width), Float(y - j / width))
                        var exponent = (dx * dx + dy * dy) * far
                        for c in 0..<3 {
                            let d = own[3 * i + c] - own[3 * j + c]
                            exponent += d * d * apart[c]
                        }
                        let w = exp(-exponent)
                        all += w
                        kept += w * foreground[j]
                    }
                    let s = foreground[i]
                    // Both classes: s(1 − s') and (1 − s)s'; by symmetry their gradients double.
                    sum += Double(s * (all - kept) + (1 - s) * kept) / Double(pixels * images)
                    let slope = 2 * (all - 2 * kept) * s * (1 - s) / Float(pixels * images)
                    gradient[2 * (image * pixels + i) + 1] = slope
                    gradient[2 * (image * pixels + i)] = -slope
                }
            }
        }
        return LossGradient(value: Float(sum), gradient: gradient)
    }
}
