/// A linear layer with its weights, output, input.
public final class Linear: Module {
    public let weight: Parameter
    public let bias: Parameter?

    public init(_ inputs: Int, _ outputs: Int, hasBias: Bool = true) throws {
        weight = try Parameter(shape: [outputs, inputs])
        bias = hasBias ? try Parameter(shape: [outputs]) : nil
    }

    /// activation(x·weightᵀ + bias), or x·weightᵀ + bias + addend: see `ForwardPass.linear`.
    public func callAsFunction(
        _ x: Tensor, _ pass: ForwardPass, activation: PostOperation = .none, adding addend: Tensor? = nil,
        result: Precision? = nil
    ) throws -> Tensor {
        try pass.linear(x, weight: weight, bias: bias, activation: activation, adding: addend, result: result)
    }

    public func forEachParameter(_ prefix: String, _ body: (String, Parameter) throws -> Void) rethrows {
        try body(joinedName(prefix, "weight"), weight)
        if let bias { try body(joinedName(prefix, "bias"), bias) }
    }
}
