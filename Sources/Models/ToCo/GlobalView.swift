import Foundation
import NeuralNetwork

/// A second look at a whole image, for the class-token contrast: a large part of it, of random place, size and shape, at the
/// image's own size again, seldom out of focus, and now and then with what is bright turned dark (docs/Method.md,
/// section 3; blur as in DINO, Caron et al., ICCV 2021, whose second view this is).
public struct GlobalView: Sendable, Hashable, Codable {
    /// The smallest share of the image's area that a part has; the largest is all of it.
    public var smallestShare: Double
    /// Width by height is between 1 / this and this.
    public var stretch: Double
    /// Probability of a Gaussian blur, whose standard deviation in pixels is uniform between the bounds.
    public var blurChance: Double
    public var blurDeviation: ClosedRange<Double>
    /// Probability of a solarisation: levels from the middle of the scale on are inverted.
    public var solarisationChance: Double
    /// What the images were normalised by.
    public var normalisation: ColourNormalisation

    public init(
        smallestShare: Double = 0.4, stretch: Double = 4.0 / 3, blurChance: Double = 0.1,
        blurDeviation: ClosedRange<Double> = 0.1...2, solarisationChance: Double = 0.2,
        normalisation: ColourNormalisation = .imageNet
    ) {
        self.smallestShare = smallestShare
        self.stretch = stretch
        self.blurChance = blurChance
        self.blurDeviation = blurDeviation
        self.solarisationChance = solarisationChance
        self.normalisation = normalisation
    }

    /// What is wrong with the settings; nil: nothing.
    var fault: String? {
        let chances = [blurChance, solarisationChance]
        let holds =
            smallestShare > 0 && smallestShare <= 1 && stretch >= 1 && blurDeviation.lowerBound > 0
            && chances.allSatisfy { (0...1).contains($0) }
        return holds
            ? nil
            : "a second view has a share in (0, 1] of the image, a stretch of 1 or more, chances in [0, 1] and blurs above 0; "
                + "got \(self)"
    }

    /// A view of each of `images` (N,H,W,3), interpolated bicubically.
    package func callAsFunction(_ images: Tensor, random: inout CounterRandom) throws -> Tensor {
        let (height, width) = (images.shape[1], images.shape[2])
        return try Tensor.concatenated(
            (0..<images.shape[0]).map { image in
                let part = part(ofHeight: height, width: width, random: &random)
                let cut = try images.part(
                    ofImage: image, top: part.top, left: part.left, height: part.height, width: part.width)
                let whole = try ForwardPass(.evaluation).resizedCubically(cut, height: height, width: width)
                let isBlurred = random.uniform() < blurChance, isSolarised = random.uniform() < solarisationChance
                guard isBlurred || isSolarised else { return whole }
                var view = whole.values
                if isBlurred {
                    let share = random.uniform()
                    let deviation = blurDeviation.lowerBound * (1 - share) + blurDeviation.upperBound * share
                    view = Self.blurred(view, height: height, width: width, deviation: deviation)
                }
                if isSolarised { solarise(&view) }
                return try Tensor(view, shape: whole.shape)
            })
    }

    /// H,W,3 with a Gaussian over the pixels within three standard deviations; those at the border stand for what is beyond.
    package static func blurred(_ view: [Float], height: Int, width: Int, deviation: Double) -> [Float] {
        let reach = max(1, Int((3 * deviation).rounded(.up)))
        let raw = (-reach...reach).map { exp(-0.5 * pow(Double($0) / deviation, 2)) }
        let sum = raw.reduce(0, +)
        let weights = raw.map { Float($0 / sum) }
        func swept(_ from: [Float], rows: Bool) -> [Float] {
            var to = [Float](repeating: 0, count: from.count)
            for y in 0..<height {
                for x in 0..<width {
                    for (place, weight) in weights.enumerated() {
                        let (row, column) =
                            rows
                            ? (min(max(y + place - reach, 0), height - 1), x) : (y, min(max(x + place - reach, 0), width - 1))
                        for channel in 0..<3 {
                            to[(y * width + x) * 3 + channel] += weight * from[(row * width + column) * 3 + channel]
                        }
                    }
                }
            }
            return to
        }
        return swept(swept(view, rows: false), rows: true)
    }

    /// A level v of 0…1 becomes 1 − v where it is 128 of 255 or more, as Pillow's `solarize` does.
    package func solarise(_ view: inout [Float]) {
        for channel in 0..<3 {
            let (mean, deviation) = (normalisation.mean[channel], normalisation.deviation[channel])
            for place in stride(from: channel, to: view.count, by: 3) {
                let level = view[place] * deviation + mean
                if level >= 127.5 / 255 { view[place] = (1 - level - mean) / deviation }
            }
        }
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
