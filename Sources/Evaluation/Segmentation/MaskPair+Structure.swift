extension MaskPair {
    /// The structure measure: half object-aware, half region-aware similarity.
    var structureMeasure: Double {
        if foregroundCount == 0 { return 1 - meanPrediction }
        if foregroundCount == count { return meanPrediction }
        return max(0, 0.5 * objectSimilarity + 0.5 * regionSimilarity)
    }

    private var objectSimilarity: Double {
        let share = Double(foregroundCount) / Double(count)
        return share * evenness(foreground, inverted: false) + (1 - share) * evenness(background, inverted: true)
    }

    /// 2·mean / (mean² + 1 + deviation) of the prediction, or of 1 − it, over one part of the image.
    private func evenness(_ histogram: [Int], inverted: Bool) -> Double {
        let number = histogram.reduce(0, +)
        let value = { (p: Double) in inverted ? 1 - p : p }
        let mean = sum(over: histogram, value) / Double(number)
        var deviation = 0.0
        if number > 1 {
            let squares = sum(over: histogram) { (value($0) - mean) * (value($0) - mean) }
            deviation = (squares / Double(number - 1)).squareRoot()
        }
        return 2 * mean / (mean * mean + 1 + deviation + epsilon)
    }

    /// The image is quartered at the centre of the truth; each quarter's similarity weighs by its area.
    private var regionSimilarity: Double {
        var (rowSum, columnSum) = (0, 0)
        for row in 0..<height {
            for column in 0..<width where truth[row * width + column] {
                rowSum += row
                columnSum += column
            }
        }
        // Rounded half to even as numpy does; the centre belongs to the upper left quarter.
        let centreRow = Int((Double(rowSum) / Double(foregroundCount)).rounded(.toNearestOrEven)) + 1
        let centreColumn = Int((Double(columnSum) / Double(foregroundCount)).rounded(.toNearestOrEven)) + 1
        var similarity = 0.0
        for rows in [0..<centreRow, centreRow..<height] {
            for columns in [0..<centreColumn, centreColumn..<width] where !rows.isEmpty && !columns.isEmpty {
                let weight = Double(rows.count * columns.count) / Double(count)
                similarity += weight * regionSimilarity(rows, columns)
            }
        }
        return similarity
    }

    /// 4·x̄·ȳ·σxy / ((x̄² + ȳ²)·(σx² + σy²)) of one quarter. Sums of 8-bit values are whole numbers, so a constant
    /// quarter has a variance of exactly 0.
    private func regionSimilarity(_ rows: Range<Int>, _ columns: Range<Int>) -> Double {
        var (sum, squares, hits, both) = (0, 0, 0, 0)
        for row in rows {
            for index in row * width + columns.lowerBound..<row * width + columns.upperBound {
                let value = Int(prediction[index])
                sum += value
                squares += value * value
                if truth[index] {
                    hits += 1
                    both += value
                }
            }
        }
        let number = rows.count * columns.count
        let size = Double(number)
        // Stretching is a·v + b.
        let slope = (stretched[255] - stretched[0]) / 255
        let mean = (Double(sum) / size) * slope + stretched[0]
        let share = Double(hits) / size
        let scale = size * (size - 1 + epsilon)
        let variance = Self.difference(number, squares, sum, sum) * slope * slope / scale
        let truthVariance = Self.difference(number, hits, hits, hits) / scale
        let covariance = Self.difference(number, both, sum, hits) * slope / scale
        let numerator = 4 * mean * share * covariance
        let denominator = (mean * mean + share * share) * (variance + truthVariance)
        if numerator != 0 { return numerator / (denominator + epsilon) }
        return denominator == 0 ? 1 : 0
    }

    /// a·b − c·d without rounding on the way.
    private static func difference(_ a: Int, _ b: Int, _ c: Int, _ d: Int) -> Double {
        Double(Int128(a) * Int128(b) - Int128(c) * Int128(d))
    }
}
