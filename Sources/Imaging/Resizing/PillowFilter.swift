import Foundation

/// The filters of Pillow's `Image.resize`, by its names.
public enum PillowFilter: String, Sendable, CaseIterable {
    case nearest, box, bilinear, hamming, bicubic, lanczos

    /// Half the filter's width at scale 1, in source pixels.
    var support: Double {
        switch self {
        case .nearest: 0
        case .box: 0.5
        case .bilinear, .hamming: 1
        case .bicubic: 2
        case .lanczos: 3
        }
    }

    /// The filter's value at a distance from its centre, not normalised.
    func value(at distance: Double) -> Double {
        let x = abs(distance)
        switch self {
        case .nearest: return 0
        case .box: return distance > -0.5 && distance <= 0.5 ? 1 : 0
        case .bilinear: return max(0, 1 - x)
        case .hamming:
            if x == 0 { return 1 }
            return x < 1 ? sin(.pi * x) / (.pi * x) * (0.54 + 0.46 * cos(.pi * x)) : 0
        case .bicubic:
            // Keys' kernel with a = −½.
            if x < 1 { return (1.5 * x - 2.5) * x * x + 1 }
            return x < 2 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : 0
        case .lanczos:
            if x == 0 { return 1 }
            guard x < 3 else { return 0 }
            return sin(.pi * x) / (.pi * x) * sin(.pi * x / 3) / (.pi * x / 3)
        }
    }
}

/// For each pixel of the result along one axis: which source pixels it is made of, and by how much, in fixed point.
///
/// When shrinking the filter is widened by the scale, so every source pixel counts (antialiasing). Weights are
/// normalised and rounded to 22 bits, which is Pillow's precision for 8-bit pictures: sums of 8-bit samples fit 32 bits.
struct FilterWeights {
    static let precision: Int32 = 22

    /// The first source pixel of each result pixel.
    private(set) var starts: [Int] = []
    /// How many source pixels each result pixel is made of.
    private(set) var counts: [Int] = []
    /// The distance between the weights of two result pixels in `weights`.
    let stride: Int
    private(set) var weights: [Int32]

    init(from source: Int, to target: Int, filter: PillowFilter) {
        let scale = Double(source) / Double(target)
        let widening = max(scale, 1)
        let support = filter.support * widening
        stride = Int(support.rounded(.up)) * 2 + 1
        weights = [Int32](repeating: 0, count: stride * target)
        starts.reserveCapacity(target)
        counts.reserveCapacity(target)
        var exact = [Double](repeating: 0, count: stride)
        let one = Double(1 << Self.precision)
        for place in 0..<target {
            let centre = (Double(place) + 0.5) * scale
            let first = max(0, Int(centre - support + 0.5))
            let count = min(source, Int(centre + support + 0.5)) - first
            var sum = 0.0
            for index in 0..<count {
                exact[index] = filter.value(at: (Double(index + first) - centre + 0.5) / widening)
                sum += exact[index]
            }
            for index in 0..<count {
                let weight = sum == 0 ? exact[index] : exact[index] / sum
                weights[place * stride + index] = Int32((weight * one).rounded(.toNearestOrAwayFromZero))
            }
            starts.append(first)
            counts.append(count)
        }
    }
}
