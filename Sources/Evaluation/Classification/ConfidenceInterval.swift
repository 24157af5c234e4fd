import Foundation

/// Where a measure lies with a given confidence.
public struct ConfidenceInterval: Sendable, Equatable, Codable {
    public enum Method: String, Sendable, Codable {
        /// DeLong, DeLong, Clarke-Pearson 1988: normal, cut to [0, 1]. Takes samples as independent.
        case deLong = "DeLong"
        /// Percentiles over resampled studies.
        case studyBootstrap = "study bootstrap"
        /// Percentiles over resampled groups of images: sequences, patients.
        case groupBootstrap = "group bootstrap"
        /// Wilson 1927, for a proportion.
        case wilson = "Wilson"
    }

    public var lower: Double
    public var upper: Double
    /// 0.95 as a rule.
    public var confidence: Double
    public var method: Method

    public init(lower: Double, upper: Double, confidence: Double, method: Method) {
        self.lower = lower
        self.upper = upper
        self.confidence = confidence
        self.method = method
    }

    /// Of a measure's values over resamples; nil where it was defined in fewer than half of them.
    static func percentiles(of values: [Double], resamples: Int, confidence: Double, method: Method) -> ConfidenceInterval? {
        guard values.count * 2 > resamples else { return nil }
        let sorted = values.sorted()
        func quantile(_ share: Double) -> Double {
            let place = share * Double(sorted.count - 1)
            let lower = Int(place)
            let upper = min(lower + 1, sorted.count - 1)
            return sorted[lower] + (sorted[upper] - sorted[lower]) * (place - Double(lower))
        }
        return .init(
            lower: quantile((1 - confidence) / 2), upper: quantile((1 + confidence) / 2), confidence: confidence, method: method)
    }

    /// Of a proportion of `count` in `total`; nil where there is none.
    public static func wilson(_ count: Int, of total: Int, confidence: Double = 0.95) -> ConfidenceInterval? {
        guard total > 0, count >= 0, count <= total else { return nil }
        let z = normalQuantile((1 + confidence) / 2)
        let (n, p) = (Double(total), Double(count) / Double(total))
        let centre = (p + z * z / (2 * n)) / (1 + z * z / n)
        let half = z / (1 + z * z / n) * (p * (1 - p) / n + z * z / (4 * n * n)).squareRoot()
        return .init(
            lower: max(0, centre - half), upper: min(1, centre + half), confidence: confidence, method: .wilson)
    }

    /// The quantile of the standard normal distribution, by bisection of erfc: no table to mistype.
    static func normalQuantile(_ probability: Double) -> Double {
        var (low, high) = (-40.0, 40.0)
        for _ in 0..<200 {
            let middle = (low + high) / 2
            if erfc(-middle / 2.0.squareRoot()) / 2 < probability { low = middle } else { high = middle }
        }
        return (low + high) / 2
    }
}
