extension ForwardPass {
    /// Bytes of the hidden layer that exist at a time in an inference pass, and of both layers' weights that are read again
    /// for each such part: what the second-level caches hold.
    private static let (hiddenInCache, weightsInCache) = (1536 << 10, 2 << 20)

    /// narrowing(GELU(widening(x))) + addend: the perceptron of a transformer's block. `x` has any leading dimensions.
    ///
    /// An inference pass hands on the addend's precision. Where the weights are small it computes one strip of rows after
    /// the other, whose hidden layer stays in the cache. `overwriting` as in `linear`.
    ///
    /// Throws `EngineError.shapeMismatch` for layers that do not follow each other or tensors that they cannot read.
    public func perceptron(
        _ x: Tensor, widening: Linear, narrowing: Linear, adding addend: Tensor, overwriting: Bool = false
    ) throws -> Tensor {
        let (hidden, inputs) = (widening.weight.shape[0], widening.weight.shape[1])
        let outputs = narrowing.weight.shape[0]
        let strip = max(1, Self.hiddenInCache / (hidden * precision.bytes))
        let rows = x.count / max(1, inputs)
        guard isInference, rows > strip, hidden * (inputs + outputs) * precision.bytes <= Self.weightsInCache else {
            return try narrowing(
                widening(x, self, activation: .geluErf), self, adding: addend, overwriting: overwriting)
        }
        guard x.shape.last == inputs, narrowing.weight.shape[1] == hidden,
            addend.shape == Array(x.shape.dropLast()) + [outputs]
        else {
            throw EngineError(
                .shapeMismatch,
                "a perceptron of weights \(widening.weight.shape) and \(narrowing.weight.shape) cannot read a tensor of "
                    + "\(x.shape) and add one of \(addend.shape)")
        }
        let y = try Self.tensor(
            holding: addend, shape: addend.shape, precision: addend.precision, overwriting: overwriting)
        let source = try Self.operand(x, precision)
        let wide = try PooledMemory(bytes: strip * hidden * precision.bytes)
        for first in stride(from: 0, to: rows, by: strip) {
            let count = min(strip, rows - first)
            try arithmetic.multiply(
                LayerWeights(widening.weight, bias: widening.bias), rows: count, columns: hidden, inner: inputs,
                source: source.base + first * inputs * precision.bytes, in: precision, result: wide.base, in: precision,
                post: .geluErf)
            try arithmetic.multiply(
                LayerWeights(narrowing.weight, bias: narrowing.bias), rows: count, columns: outputs, inner: hidden,
                source: wide.base, in: precision, result: y.memory.base + first * outputs * y.precision.bytes,
                in: y.precision, adds: true)
        }
        return y
    }
}
