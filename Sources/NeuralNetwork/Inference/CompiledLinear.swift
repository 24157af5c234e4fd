/// A linear layer with a following batch normalisation folded in and its activation fused, for inference. Immutable
/// and shared by threads.
package final class CompiledLinear: Sendable {
    /// Output, input; folded.
    package let weights: [Float]
    package let bias: [Float]
    package let outputs: Int
    package let inputs: Int
    private let post: PostOperation
    private let precision: Precision
    private let resultPrecision: Precision
    private let packing = SharedPacking()

    /// Reads `precision` and writes `resultPrecision`.
    package init(
        _ layer: Linear, _ norm: BatchNorm? = nil, post: PostOperation = .none, precision: Precision,
        resultPrecision: Precision? = nil
    ) {
        let rows = layer.weight.shape[0]
        inputs = layer.weight.count / max(1, rows)
        outputs = rows
        var weights = layer.weight.values
        var bias = layer.bias?.values ?? [Float](repeating: 0, count: rows)
        if let (scale, shift) = norm?.foldedScaleAndShift {
            for index in weights.indices { weights[index] *= scale[index / inputs] }
            for row in 0..<rows { bias[row] = bias[row] * scale[row] + shift[row] }
        }
        self.weights = weights
        self.bias = bias
        self.post = post
        self.precision = precision
        self.resultPrecision = resultPrecision ?? precision
    }

    /// n, inputs to n, outputs.
    package func callAsFunction(_ x: Activation) throws -> Activation {
        guard x.shape.count == 2, x.shape[1] == inputs, x.precision == precision else {
            throw EngineError(.shapeMismatch, "a linear layer of \(inputs) inputs cannot read \(x.shape)")
        }
        var shape = MatmulShape(rows: x.shape[0], columns: outputs, inner: inputs, transposesB: true)
        shape.precision = precision
        shape.resultPrecision = resultPrecision
        shape.post = post
        shape.hasBias = true
        shape.packsB = true
        let primitive = try PrimitiveCache.shared.matmul(shape)
        let result = try Activation(shape: [x.shape[0], outputs], precision: resultPrecision)
        try packing.withPacked(weights, for: primitive) { packed in
            try bias.withUnsafeBytes { bias in
                try primitive.forward(
                    x.memory.base, weights: packed, bias: bias.baseAddress, result: result.memory.base)
            }
        }
        return result
    }
}
