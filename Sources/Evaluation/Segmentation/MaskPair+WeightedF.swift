import Foundation

extension MaskPair {
    /// The weighted F-measure: errors count by where they lie. An error inside the foreground is smoothed over its
    /// neighbourhood; one in the background weighs up to twice, the more the farther from the foreground.
    var weightedFMeasure: Double {
        guard foregroundCount > 0 else { return 0 }
        let transform = DistanceTransform(to: truth, width: width, height: height)
        let misses = stretched.map { 1 - $0 }
        // The error of the nearest foreground pixel stands for that of a background pixel, so that edges stay sharp.
        var spread = [Double](repeating: 0, count: count)
        for index in 0..<count { spread[index] = misses[Int(prediction[Int(transform.nearest[index])])] }
        let smoothed = smooth(spread)

        var (inside, outside) = (0.0, 0.0)
        for index in 0..<count {
            if truth[index] {
                inside += min(misses[Int(prediction[index])], smoothed[index])
            } else {
                let distance = Double(transform.squares[index]).squareRoot()
                outside += stretched[Int(prediction[index])] * (2 - exp(log(0.5) / 5 * distance))
            }
        }
        let hits = Double(foregroundCount) - inside
        let recall = 1 - inside / Double(foregroundCount)
        let precision = hits / (hits + outside + epsilon)
        return 2 * recall * precision / (recall + precision + epsilon)
    }

    /// A Gaussian of 7×7 pixels and σ 5 that sums to 1, with zeros beyond the edge; separable, so rows then columns.
    private func smooth(_ values: [Double]) -> [Double] {
        let bell = (-3...3).map { exp(-Double($0 * $0) / 50) }
        let total = bell.reduce(0, +)
        let kernel = bell.map { $0 / total }
        var rows = [Double](repeating: 0, count: count)
        for row in 0..<height {
            let start = row * width
            for (tap, weight) in kernel.enumerated() {
                let shift = tap - 3
                for column in max(0, -shift)..<max(max(0, -shift), min(width, width - shift)) {
                    rows[start + column] += weight * values[start + column + shift]
                }
            }
        }
        var result = [Double](repeating: 0, count: count)
        for row in 0..<height {
            for (tap, weight) in kernel.enumerated() where (0..<height).contains(row + tap - 3) {
                let (target, source) = (row * width, (row + tap - 3) * width)
                for column in 0..<width { result[target + column] += weight * rows[source + column] }
            }
        }
        return result
    }
}
