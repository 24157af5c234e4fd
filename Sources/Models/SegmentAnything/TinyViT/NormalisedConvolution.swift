import NeuralNetwork

/// A convolution without bias, and its batch normalisation.
final class NormalisedConvolution: Module {
    let convolution: Conv2d
    let norm: BatchNorm

    /// `isDepthwise`: each channel is convolved with a kernel of its own.
    init(_ inputs: Int, _ outputs: Int, kernel: Int = 1, stride: Int = 1, isDepthwise: Bool = false) throws {
        let geometry = ConvolutionGeometry(stride: stride, padding: kernel / 2, groups: isDepthwise ? outputs : 1)
        convolution = try Conv2d(inputs, outputs, kernel: kernel, geometry: geometry)
        norm = try BatchNorm(outputs)
    }

    /// activation(norm(convolution(x)) + addend).
    func callAsFunction(
        _ x: Tensor, _ pass: ForwardPass, activation: PostOperation = .none, adding addend: Tensor? = nil,
        result: Precision? = nil
    ) throws -> Tensor {
        try convolution(x, pass, norm: norm, activation: activation, adding: addend, result: result)
    }

    func forEachParameter(_ prefix: String, _ body: (String, Parameter) throws -> Void) rethrows {
        try convolution.forEachParameter(joinedName(prefix, "c"), body)
        try norm.forEachParameter(joinedName(prefix, "bn"), body)
    }
}
