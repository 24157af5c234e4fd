import NeuralNetwork

/// One residual block: two 3×3 convolutions (ResNet-18), or 1×1, 3×3, 1×1 (ResNet-50, the stride on the 3×3), with
/// batch normalisation; the block's input, projected where sizes differ, is added before the last ReLU.
final class ResidualBlock: Module {
    let convolutions: [Conv2d]
    let norms: [BatchNorm]
    let projection: (convolution: Conv2d, norm: BatchNorm)?

    init(_ kind: ResNetKind, inputs: Int, width: Int, stride: Int) throws {
        let outputs = width * kind.expansion
        // Output channels, kernel and stride of each convolution.
        let plan: [(Int, Int, Int)] =
            kind.expansion == 1
            ? [(width, 3, stride), (width, 3, 1)]
            : [(width, 1, 1), (width, 3, stride), (outputs, 1, 1)]
        var (convolutions, norms): ([Conv2d], [BatchNorm]) = ([], [])
        var channels = inputs
        for (next, kernel, stride) in plan {
            let geometry = ConvolutionGeometry(stride: stride, padding: kernel / 2)
            convolutions.append(try Conv2d(channels, next, kernel: kernel, geometry: geometry))
            norms.append(try BatchNorm(next))
            channels = next
        }
        self.convolutions = convolutions
        self.norms = norms
        projection =
            stride == 1 && inputs == outputs
            ? nil
            : (
                try Conv2d(inputs, outputs, kernel: 1, geometry: ConvolutionGeometry(stride: stride)),
                try BatchNorm(outputs)
            )
    }

    /// `overwriting`: nobody else needs `x`, whose memory an inference pass may then use again.
    func callAsFunction(_ x: Tensor, _ pass: ForwardPass, overwriting: Bool = false) throws -> Tensor {
        let residual = try projection.map { try $0.convolution(x, pass, norm: $0.norm) } ?? x
        var y = x
        for (index, (convolution, norm)) in zip(convolutions, norms).enumerated() {
            let isLast = index == convolutions.count - 1
            y = try convolution(
                y, pass, norm: norm, activation: .relu, adding: isLast ? residual : nil,
                overwriting: overwriting || projection != nil, result: isLast ? nil : pass.precisionWithinBlock)
        }
        return y
    }

    func forEachParameter(_ prefix: String, _ body: (String, Parameter) throws -> Void) rethrows {
        for (index, (convolution, norm)) in zip(convolutions, norms).enumerated() {
            try convolution.forEachParameter(joinedName(prefix, "conv\(index + 1)"), body)
            try norm.forEachParameter(joinedName(prefix, "bn\(index + 1)"), body)
        }
        try projection?.convolution.forEachParameter(joinedName(prefix, "downsample.0"), body)
        try projection?.norm.forEachParameter(joinedName(prefix, "downsample.1"), body)
    }
}
