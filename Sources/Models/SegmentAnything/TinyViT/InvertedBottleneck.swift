import NeuralNetwork

/// Three convolutions, each with GELU: 1×1 to four times the channels, 3×3 a channel, 1×1 back; the input is added before
/// the last GELU (the "MBConv" of TinyViT).
final class InvertedBottleneck: Module {
    private let convolutions: [NormalisedConvolution]

    init(_ width: Int) throws {
        convolutions = [
            try NormalisedConvolution(width, 4 * width),
            try NormalisedConvolution(4 * width, 4 * width, kernel: 3, isDepthwise: true),
            try NormalisedConvolution(4 * width, width),
        ]
    }

    func callAsFunction(_ x: Tensor, _ pass: ForwardPass) throws -> Tensor {
        if pass.isInference {
            let layers = convolutions.map { (layer: $0.convolution, norm: $0.norm) }
            return try pass.bottleneck(x, widening: layers[0], depthwise: layers[1], narrowing: layers[2])
        }
        let wide = try convolutions[0](x, pass, activation: .geluErf)
        let filtered = try convolutions[1](wide, pass, activation: .geluErf)
        return try convolutions[2](filtered, pass, activation: .geluErf, adding: x)
    }

    func forEachParameter(_ prefix: String, _ body: (String, Parameter) throws -> Void) rethrows {
        for (index, convolution) in convolutions.enumerated() {
            try convolution.forEachParameter(joinedName(prefix, "conv\(index + 1)"), body)
        }
    }
}
