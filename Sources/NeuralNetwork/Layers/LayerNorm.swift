/// Layer normalisation over the last dimension (Ba, Kiros and Hinton 2016).
public final class LayerNorm: Module {
    public let weight: Parameter
    public let bias: Parameter
    public let epsilon: Float

    public init(_ channels: Int, epsilon: Float = 1e-5) throws {
        weight = try Parameter(shape: [channels], repeating: 1)
        bias = try Parameter(shape: [channels])
        self.epsilon = epsilon
    }

    /// In the precision that the pass hands on, unless `result` says another.
    public func callAsFunction(_ x: Tensor, _ pass: ForwardPass, result: Precision? = nil) throws -> Tensor {
        try pass.layerNormalised(x, weight: weight, bias: bias, epsilon: epsilon, result: result)
    }

    public func forEachParameter(_ prefix: String, _ body: (String, Parameter) throws -> Void) rethrows {
        try body(joinedName(prefix, "weight"), weight)
        try body(joinedName(prefix, "bias"), bias)
    }
}
