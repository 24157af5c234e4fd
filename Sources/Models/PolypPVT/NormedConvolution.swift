import NeuralNetwork

/// A convolution and a batch normalisation. The reference gives it a ReLU that it never applies; so there is none.
final class NormedConvolution: Module {
    let convolution: Conv2d
    let norm: BatchNorm

    init(_ inputs: Int, _ outputs: Int, kernel: Int) throws {
        convolution = try Conv2d(
            inputs, outputs, kernel: kernel, geometry: ConvolutionGeometry(padding: kernel / 2))
        norm = try BatchNorm(outputs)
    }

    /// The result is fp32 in any pass: products and sums of such maps follow.
    func callAsFunction(_ x: Tensor, _ pass: ForwardPass) throws -> Tensor {
        try convolution(x, pass, norm: norm, result: .float32)
    }

    func forEachParameter(_ prefix: String, _ body: (String, Parameter) throws -> Void) rethrows {
        try convolution.forEachParameter(joinedName(prefix, "conv"), body)
        try norm.forEachParameter(joinedName(prefix, "bn"), body)
    }
}
