/// A convolution with a following batch normalisation folded in, for inference: bias, residual and ReLU are part of
/// the kernel. Immutable and shared by threads.
package final class CompiledConvolution: Sendable {
    private let weights: [Float]
    private let bias: [Float]
    private let shape: [Int]
    private let geometry: ConvolutionGeometry
    private let precision: Precision
    private let packing = SharedPacking()

    /// y = norm(convolution(x)) with the running statistics: each output channel's weights times
    /// scale = weight/√(variance + ε), and bias − mean·scale added.
    package init(_ convolution: Conv2d, _ norm: BatchNorm?, precision: Precision) {
        let outputs = convolution.weight.shape[0]
        let (scale, shift) = norm?.foldedScaleAndShift ?? Self.identity(outputs)
        let width = convolution.weight.count / max(1, outputs)
        var folded = convolution.weight.values
        for index in folded.indices { folded[index] *= scale[index / width] }
        let old = convolution.bias?.values ?? [Float](repeating: 0, count: outputs)
        weights = folded
        bias = (0..<outputs).map { old[$0] * scale[$0] + shift[$0] }
        shape = convolution.weight.shape
        geometry = convolution.geometry
        self.precision = precision
    }

    private static func identity(_ channels: Int) -> (scale: [Float], shift: [Float]) {
        ([Float](repeating: 1, count: channels), [Float](repeating: 0, count: channels))
    }

    /// `residual` is added before the ReLU; its memory becomes the result's, so nobody else may need it.
    package func callAsFunction(
        _ x: Activation, overwriting residual: Activation? = nil, relu: Bool
    ) throws -> Activation {
        let height = geometry.outputExtent(x.shape[1], kernel: shape[2])
        let width = geometry.outputExtent(x.shape[2], kernel: shape[3])
        guard x.shape[3] == shape[1] * geometry.groups, height > 0, width > 0 else {
            throw EngineError(.shapeMismatch, "a convolution with weights \(shape) cannot read \(x.shape)")
        }
        var wanted = ConvolutionShape(pass: .inference, input: x.shape, weights: shape, geometry: geometry)
        wanted.precision = precision
        wanted.resultPrecision = precision
        wanted.post = relu ? .relu : .none
        wanted.hasBias = true
        wanted.addsDestination = residual != nil
        let primitive = try PrimitiveCache.shared.convolution(wanted)
        let result = try residual ?? Activation(shape: [x.shape[0], height, width, shape[0]], precision: precision)
        try packing.withPacked(weights, for: primitive) { packed in
            try bias.withUnsafeBytes { bias in
                try primitive.forward(
                    x.memory.base, weights: packed, bias: bias.baseAddress, result: result.memory.base)
            }
        }
        return result
    }
}

extension BatchNorm {
    /// What normalising by the running statistics multiplies each channel by, and what it adds.
    var foldedScaleAndShift: (scale: [Float], shift: [Float]) {
        let (weight, bias) = (self.weight.values, self.bias.values)
        let (mean, variance) = (runningMean.values, runningVariance.values)
        let scale = weight.indices.map { weight[$0] / (variance[$0] + epsilon).squareRoot() }
        return (scale, scale.indices.map { bias[$0] - mean[$0] * scale[$0] })
    }
}
