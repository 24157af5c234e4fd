import NeuralNetwork

/// One block of EfficientNet-Lite: 1×1 to more channels (absent where there are no more), k×k a channel, both with ReLU6,
/// 1×1 back without; the input is added where it has the output's shape (Sandler et al. 2018).
final class InvertedResidual: Module {
    private let expansion: (convolution: Conv2d, norm: BatchNorm)?
    private let depthwise: (convolution: Conv2d, norm: BatchNorm)
    private let projection: (convolution: Conv2d, norm: BatchNorm)
    private let hasShortcut: Bool
    private let dropPath: Float

    init(inputs: Int, outputs: Int, expansion factor: Int, kernel: Int, stride: Int, dropPath: Float) throws {
        let hidden = inputs * factor
        expansion = factor == 1 ? nil : try Self.layer(inputs, hidden)
        depthwise = try Self.layer(
            hidden, hidden, kernel: kernel,
            geometry: EfficientNetLite.samePadding(kernel: kernel, stride: stride, groups: hidden))
        projection = try Self.layer(hidden, outputs)
        hasShortcut = stride == 1 && inputs == outputs
        self.dropPath = dropPath
    }

    private static func layer(
        _ inputs: Int, _ outputs: Int, kernel: Int = 1, geometry: ConvolutionGeometry = ConvolutionGeometry()
    ) throws -> (convolution: Conv2d, norm: BatchNorm) {
        (try Conv2d(inputs, outputs, kernel: kernel, geometry: geometry), try EfficientNetLite.norm(outputs))
    }

    func callAsFunction(_ x: Tensor, _ pass: ForwardPass) throws -> Tensor {
        var y = x
        if let expansion { y = try expansion.convolution(y, pass, norm: expansion.norm, activation: .relu6) }
        y = try depthwise.convolution(y, pass, norm: depthwise.norm, activation: .relu6)
        guard hasShortcut else { return try projection.convolution(y, pass, norm: projection.norm) }
        guard pass.mode == .training, dropPath > 0 else {
            return try projection.convolution(y, pass, norm: projection.norm, adding: x)
        }
        let branch = try projection.convolution(y, pass, norm: projection.norm, result: .float32)
        return try pass.sum(pass.dropPath(branch, probability: dropPath), x)
    }

    var norms: [BatchNorm] { (expansion.map { [$0.norm] } ?? []) + [depthwise.norm, projection.norm] }

    func forEachParameter(_ prefix: String, _ body: (String, Parameter) throws -> Void) rethrows {
        if let expansion {
            try expansion.convolution.forEachParameter(joinedName(prefix, "_expand_conv"), body)
            try expansion.norm.forEachParameter(joinedName(prefix, "_bn0"), body)
        }
        try depthwise.convolution.forEachParameter(joinedName(prefix, "_depthwise_conv"), body)
        try depthwise.norm.forEachParameter(joinedName(prefix, "_bn1"), body)
        try projection.convolution.forEachParameter(joinedName(prefix, "_project_conv"), body)
        try projection.norm.forEachParameter(joinedName(prefix, "_bn2"), body)
    }
}
