import NeuralNetwork

/// Losses as they gather in one step, each with its weight.
struct WeightedLosses {
    /// Where the backward pass starts.
    private(set) var roots: [(tensor: Tensor, gradient: Tensor)] = []
    private(set) var parts: [String: Float] = [:]
    private(set) var total: Float = 0

    /// Nothing is computed where the weight is zero.
    mutating func add(
        _ name: String, _ weight: Float, _ tensor: @autoclosure () throws -> Tensor, _ loss: (Tensor) throws -> LossGradient
    ) throws {
        guard weight != 0 else { return }
        let tensor = try tensor()
        let made = try loss(tensor)
        roots.append((tensor, try made.gradient.scaled(by: weight)))
        parts[name] = made.value
        total += weight * made.value
    }
}
