/// A running mean.
struct LossMean {
    private var sum = 0.0
    private var count = 0

    mutating func add(_ value: Double) {
        sum += value
        count += 1
    }

    /// Nought before the first value.
    var value: Double { count == 0 ? 0 : sum / Double(count) }
}
