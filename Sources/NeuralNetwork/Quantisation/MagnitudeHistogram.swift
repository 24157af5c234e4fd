import COneDNN

/// How often magnitudes of each size were seen, over any range: the bins widen as larger numbers come.
struct MagnitudeHistogram {
    private static let binCount = 2048
    private var bins = [Int64](repeating: 0, count: binCount)
    private var width: Float = 0
    private(set) var seen = nn_magnitudes()

    var greatest: Float { seen.greatest }
    var hasNegative: Bool { seen.negative > 0 }
    var notFinite: Int { Int(seen.not_finite) }

    mutating func add(_ x: UnsafePointer<Float>, count: Int) {
        var these = nn_magnitudes()
        var all: Int64 = 0
        nn_count_magnitudes(x, Int64(count), 1, &all, 1, &these)
        widen(to: these.greatest)
        if width > 0 {
            nn_count_magnitudes(x, Int64(count), width, &bins, Int64(Self.binCount), &seen)
        } else {
            seen.not_finite += these.not_finite  // nothing but zeros yet
        }
    }

    /// Two bins become one until `magnitude` has one.
    private mutating func widen(to magnitude: Float) {
        if width == 0 { width = magnitude / Float(Self.binCount / 2) }
        while width > 0, magnitude >= width * Float(Self.binCount) {
            width *= 2
            bins = (0..<Self.binCount).map { 2 * $0 < Self.binCount ? bins[2 * $0] + bins[2 * $0 + 1] : 0 }
        }
    }

    /// The limit whose steps, `levels` of them up to it, leave the least mean square error: smaller limits have finer
    /// steps, and take more numbers for the limit itself. The largest of equal ones; the greatest magnitude where little
    /// is known.
    func bestLimit(levels: Float) -> Float {
        guard greatest > 0 else { return 1 }
        var best: (limit: Float, error: Double) = (greatest, .infinity)
        for share in stride(from: 100, to: 9, by: -1) {
            let limit = greatest * Float(share) / 100
            let error = error(limit: Double(limit), step: Double(limit / levels))
            if error < best.error { best = (limit, error) }
        }
        return best.limit
    }

    /// Sum of squares. Within the limit numbers lie anywhere between two levels: step²/12 in the mean, and no more than
    /// they are themselves, where they fall below the first level.
    private func error(limit: Double, step: Double) -> Double {
        var sum = 0.0
        for (index, count) in bins.enumerated() where count > 0 {
            let magnitude = (Double(index) + 0.5) * Double(width)
            let beyond = max(0, magnitude - limit)
            let within = index == 0 ? 0 : min(step * step / 12, magnitude * magnitude)
            sum += Double(count) * (beyond * beyond + within)
        }
        return sum
    }
}
