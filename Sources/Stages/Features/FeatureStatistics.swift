import Foundation
import NeuralNetwork

/// Mean and deviation of each number of a feature vector over the images of split train, by which heads read them
/// standardised.
package struct FeatureStatistics: Sendable, Equatable {
    package var mean: [Float]
    package var deviation: [Float]

    private static let (meanName, deviationName) = ("statistics.mean", "statistics.deviation")

    package init(mean: [Float], deviation: [Float]) { (self.mean, self.deviation) = (mean, deviation) }

    /// Of the sums of all shards, in their order. A number that never changes is left as large as it is; without any image
    /// the vectors are left as they are.
    init(_ parts: [Sums], length: Int) {
        var total = Sums(length: length)
        for part in parts where part.sum.count == length { total.add(part) }
        let count = Double(max(1, total.count))
        mean = total.sum.map { Float($0 / count) }
        deviation = zip(total.sum, total.squares).map { sum, squares in
            let variance = squares / count - (sum / count) * (sum / count)
            // Below the rounding of single precision nothing varies.
            return variance > 1e-10 * max(1, squares / count) ? Float(variance.squareRoot()) : 1
        }
    }

    package func standardised(_ values: [Float]) -> [Float] {
        var result = values
        let length = mean.count
        for place in result.indices { result[place] = (values[place] - mean[place % length]) / deviation[place % length] }
        return result
    }

    var entries: [ParameterSet.Entry] {
        [
            .init(name: Self.meanName, shape: [mean.count], values: mean),
            .init(name: Self.deviationName, shape: [deviation.count], values: deviation),
        ]
    }

    /// Nil where the set holds none.
    package init?(in set: ParameterSet) {
        guard let mean = set[Self.meanName]?.values, let deviation = set[Self.deviationName]?.values,
            mean.count == deviation.count, deviation.allSatisfy({ $0 > 0 })
        else { return nil }
        self.init(mean: mean, deviation: deviation)
    }

    /// Sums over some images: count, and of each number the sum and the sum of squares.
    struct Sums: Codable, Sendable {
        var count = 0
        var sum: [Double]
        var squares: [Double]

        init(length: Int) {
            sum = [Double](repeating: 0, count: length)
            squares = sum
        }

        mutating func add(_ features: ArraySlice<Float>) {
            count += 1
            for (place, value) in features.enumerated() {
                sum[place] += Double(value)
                squares[place] += Double(value) * Double(value)
            }
        }

        mutating func add(_ other: Sums) {
            count += other.count
            for place in sum.indices {
                sum[place] += other.sum[place]
                squares[place] += other.squares[place]
            }
        }

        /// As bytes: thousands of decimal numbers would not fit a record.
        private enum Fields: String, CodingKey { case count, sum, squares }

        init(from decoder: any Decoder) throws {
            let fields = try decoder.container(keyedBy: Fields.self)
            count = try fields.decode(Int.self, forKey: .count)
            func numbers(_ key: Fields) throws -> [Double] {
                let data = try fields.decode(Data.self, forKey: key)
                return stride(from: 0, to: data.count - 7, by: 8).map { start in
                    Double(bitPattern: (0..<8).reduce(UInt64(0)) { $0 | UInt64(data[data.startIndex + start + $1]) << (8 * UInt64($1)) })
                }
            }
            (sum, squares) = (try numbers(.sum), try numbers(.squares))
            guard sum.count == squares.count else {
                throw DecodingError.dataCorruptedError(forKey: .squares, in: fields, debugDescription: "sums of two lengths")
            }
        }

        func encode(to encoder: any Encoder) throws {
            func bytes(_ numbers: [Double]) -> Data {
                Data(numbers.flatMap { number in (0..<8).map { UInt8(truncatingIfNeeded: number.bitPattern >> (8 * UInt64($0))) } })
            }
            var fields = encoder.container(keyedBy: Fields.self)
            try fields.encode(count, forKey: .count)
            try fields.encode(bytes(sum), forKey: .sum)
            try fields.encode(bytes(squares), forKey: .squares)
        }
    }
}
