import Foundation

extension ImageFingerprint {
    /// The map smoothed by a Gaussian of standard deviation `deviation` pixels, cut at three of them; edges go on.
    static func smoothed(_ map: [Float], _ deviation: Double) -> [Float] {
        let reach = Int((3 * deviation).rounded(.up))
        let bell = (-reach...reach).map { Float(exp(-Double($0 * $0) / (2 * deviation * deviation))) }
        let total = bell.reduce(0, +)
        let kernel = bell.map { $0 / total }
        let places = (-reach..<side + reach).map { max(0, min(side - 1, $0)) }
        var rows = [Float](repeating: 0, count: map.count)
        for y in 0..<side {
            for x in 0..<side {
                var sum: Float = 0
                for (tap, weight) in kernel.enumerated() { sum += weight * map[y * side + places[x + tap]] }
                rows[y * side + x] = sum
            }
        }
        var result = [Float](repeating: 0, count: map.count)
        for y in 0..<side {
            for (tap, weight) in kernel.enumerated() {
                let source = places[y + tap] * side
                for x in 0..<side { result[y * side + x] += weight * rows[source + x] }
            }
        }
        return result
    }
}
