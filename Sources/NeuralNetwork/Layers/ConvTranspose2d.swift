/// A transposed convolution whose stride is its kernel's side, with its weights.
public final class ConvTranspose2d: Module {
    /// Input, output, side, side: the reference's layout.
    public let weight: Parameter
    public let bias: Parameter?

    public init(_ inputs: Int, _ outputs: Int, side: Int, hasBias: Bool = true) throws {
        weight = try Parameter(shape: [inputs, outputs, side, side])
        bias = hasBias ? try Parameter(shape: [outputs]) : nil
    }

    /// N,H,W,C to N, side·H, side·W, outputs.
    public func callAsFunction(_ x: Tensor, _ pass: ForwardPass) throws -> Tensor {
        try pass.transposedConvolution(x, weight: weight, bias: bias)
    }

    public func forEachParameter(_ prefix: String, _ body: (String, Parameter) throws -> Void) rethrows {
        try body(joinedName(prefix, "weight"), weight)
        if let bias { try body(joinedName(prefix, "bias"), bias) }
    }
}
