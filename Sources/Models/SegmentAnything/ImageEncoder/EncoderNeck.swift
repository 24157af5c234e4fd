import NeuralNetwork

/// Brings tokens to the embedding's channels: 1×1 and 3×3 convolutions without biases, each with a layer normalisation
/// over channels.
final class EncoderNeck: Module {
    private let convolutions: [Conv2d]
    private let norms: [LayerNorm]

    init(_ inputs: Int, _ outputs: Int) throws {
        convolutions = [
            try Conv2d(inputs, outputs, kernel: 1, geometry: ConvolutionGeometry()),
            try Conv2d(outputs, outputs, kernel: 3, geometry: ConvolutionGeometry(padding: 1)),
        ]
        norms = try (0..<2).map { _ in try LayerNorm(outputs, epsilon: 1e-6) }
    }

    func callAsFunction(_ x: Tensor, _ pass: ForwardPass) throws -> Tensor {
        try zip(convolutions, norms).reduce(x) { x, layer in try layer.1(layer.0(x, pass), pass) }
    }

    func forEachParameter(_ prefix: String, _ body: (String, Parameter) throws -> Void) rethrows {
        for (index, (convolution, norm)) in zip(convolutions, norms).enumerated() {
            try convolution.forEachParameter(joinedName(prefix, "\(2 * index)"), body)
            try norm.forEachParameter(joinedName(prefix, "\(2 * index + 1)"), body)
        }
    }
}
