import NeuralNetwork

/// What lies between two stages: 1×1 to the next stage's channels, 3×3 a channel with the stride, 1×1; GELU between.
final class PatchMerging: Module {
    let stride: Int
    private let convolutions: [NormalisedConvolution]

    init(_ inputs: Int, _ outputs: Int, stride: Int) throws {
        self.stride = stride
        convolutions = [
            try NormalisedConvolution(inputs, outputs),
            try NormalisedConvolution(outputs, outputs, kernel: 3, stride: stride, isDepthwise: true),
            try NormalisedConvolution(outputs, outputs),
        ]
    }

    func callAsFunction(_ x: Tensor, _ pass: ForwardPass) throws -> Tensor {
        let wide = try convolutions[0](x, pass, activation: .geluErf)
        return try convolutions[2](convolutions[1](wide, pass, activation: .geluErf), pass)
    }

    func forEachParameter(_ prefix: String, _ body: (String, Parameter) throws -> Void) rethrows {
        for (index, convolution) in convolutions.enumerated() {
            try convolution.forEachParameter(joinedName(prefix, "conv\(index + 1)"), body)
        }
    }
}
