/// A predicted map and its truth, of one image: 8-bit, row-major, equally large.
///
/// As in PySODMetrics the truth is foreground above 128, and the prediction is stretched to [0, 1] by its own least
/// and greatest value (a constant one stays v / 255).
struct MaskPair {
    let width: Int
    let height: Int
    let prediction: [UInt8]
    let truth: [Bool]
    /// The stretched prediction, for each 8-bit value.
    let stretched: [Double]
    /// Pixels of each 8-bit predicted value on the truth's foreground, and on its background.
    let foreground: [Int]
    let background: [Int]

    var count: Int { width * height }
    let foregroundCount: Int
    var backgroundCount: Int { count - foregroundCount }

    init(prediction: [UInt8], truth: [UInt8], width: Int, height: Int) throws {
        guard width > 0, height > 0 else {
            throw EvaluationError(.emptyInput, "a map of \(width)×\(height) pixels cannot be scored")
        }
        guard prediction.count == width * height, truth.count == width * height else {
            throw EvaluationError(
                .sizeMismatch,
                "prediction (\(prediction.count) pixels) and truth (\(truth.count)) are not both \(width)×\(height)")
        }
        self.width = width
        self.height = height
        self.prediction = prediction
        self.truth = truth.map { $0 > 128 }
        var histograms = [Int](repeating: 0, count: 512)
        for index in prediction.indices {
            histograms[(truth[index] > 128 ? 0 : 256) + Int(prediction[index])] += 1
        }
        foreground = Array(histograms[..<256])
        background = Array(histograms[256...])
        foregroundCount = foreground.reduce(0, +)
        let used = (0..<256).filter { histograms[$0] + histograms[256 + $0] > 0 }
        stretched = Self.stretch(from: used.first ?? 0, to: used.last ?? 0)
    }

    /// In the order of operations of the reference, since the results are cut to 8 bits again.
    private static func stretch(from least: Int, to greatest: Int) -> [Double] {
        let (low, high) = (Double(least) / 255, Double(greatest) / 255)
        return (0..<256).map { value in
            let unit = Double(value) / 255
            return low == high ? unit : (unit - low) / (high - low)
        }
    }

    /// The sum of a function of the stretched prediction, over the truth's foreground or background.
    func sum(over histogram: [Int], _ function: (Double) -> Double) -> Double {
        var sum = 0.0
        for value in 0..<256 where histogram[value] > 0 {
            sum += Double(histogram[value]) * function(stretched[value])
        }
        return sum
    }

    var meanPrediction: Double { (sum(over: foreground) { $0 } + sum(over: background) { $0 }) / Double(count) }
}
