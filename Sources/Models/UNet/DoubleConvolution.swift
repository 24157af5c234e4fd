import NeuralNetwork

/// A U-Net's block: twice a 3×3 convolution, a batch normalisation and a ReLU.
final class DoubleConvolution: Module {
    private let convolutions: [Conv2d]
    private let norms: [BatchNorm]

    init(_ inputs: Int, _ outputs: Int) throws {
        let geometry = ConvolutionGeometry(padding: 1)
        convolutions = [
            try Conv2d(inputs, outputs, kernel: 3, geometry: geometry),
            try Conv2d(outputs, outputs, kernel: 3, geometry: geometry),
        ]
        norms = [try BatchNorm(outputs), try BatchNorm(outputs)]
    }

    /// N,H,W,inputs to N,H,W,outputs.
    func callAsFunction(_ x: Tensor, _ pass: ForwardPass) throws -> Tensor {
        let y = try convolutions[0](x, pass, norm: norms[0], activation: .relu, result: pass.precisionWithinBlock)
        return try convolutions[1](y, pass, norm: norms[1], activation: .relu)
    }

    /// The reference counts the ReLUs too.
    func forEachParameter(_ prefix: String, _ body: (String, Parameter) throws -> Void) rethrows {
        for (index, (convolution, norm)) in zip(convolutions, norms).enumerated() {
            try convolution.forEachParameter(joinedName(prefix, "double_conv.\(3 * index)"), body)
            try norm.forEachParameter(joinedName(prefix, "double_conv.\(3 * index + 1)"), body)
        }
    }
}
