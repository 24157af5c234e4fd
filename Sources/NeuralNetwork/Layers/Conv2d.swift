/// A 2-D convolution with its weights.
public final class Conv2d: Module {
    public let weight: Parameter
    public let bias: Parameter?
    public let geometry: ConvolutionGeometry

    /// `inputs` and `outputs` are channels; the kernel is square.
    public init(
        _ inputs: Int, _ outputs: Int, kernel: Int, geometry: ConvolutionGeometry, hasBias: Bool = false
    ) throws {
        weight = try Parameter(shape: [outputs, inputs / max(1, geometry.groups), kernel, kernel])
        bias = hasBias ? try Parameter(shape: [outputs]) : nil
        self.geometry = geometry
    }

    public func callAsFunction(_ x: Tensor, _ pass: ForwardPass) throws -> Tensor {
        try pass.convolution(x, weight: weight, bias: bias, geometry: geometry)
    }

    public func forEachParameter(_ prefix: String, _ body: (String, Parameter) throws -> Void) rethrows {
        try body(joinedName(prefix, "weight"), weight)
        if let bias { try body(joinedName(prefix, "bias"), bias) }
    }
}
