import COneDNN

extension ForwardPass {
    /// Each row of the last dimension to mean 0 and (biased) variance 1, times weight, plus bias. Sums are fp32.
    public func layerNormalised(
        _ x: Tensor, weight: Parameter, bias: Parameter, epsilon: Float, result: Precision? = nil
    ) throws -> Tensor {
        let channels = weight.count
        guard x.shape.last == channels, channels > 0, bias.count == channels else {
            throw EngineError(
                .shapeMismatch, "layer normalisation of \(channels) channels cannot read a tensor of \(x.shape)")
        }
        let rows = x.count / channels
        let tape = records([x], parameters: true)
        let made = tape == nil ? result ?? activationPrecision : .float32
        let y = try Tensor(shape: x.shape, precision: made)
        let statistics = tape == nil ? nil : try PooledMemory(bytes: 2 * rows * 4)
        nn_layer_norm(
            x.memory.base, x.precision == .bfloat16 ? 1 : 0, weight.value.pointer, bias.value.pointer, epsilon,
            y.memory.base, made == .bfloat16 ? 1 : 0, statistics?.floats, statistics.map { $0.floats + rows },
            Int64(rows), Int64(channels))
        guard let tape, let statistics else { return y }
        tape.record(y, parameters: [weight, bias]) { gradient in
            let dx = x.needsGradient ? try Tensor(shape: x.shape) : nil
            let sums = try PooledMemory(bytes: 2 * channels * 4)
            nn_layer_norm_backward(
                x.pointer, gradient.pointer, weight.value.pointer, statistics.floats, statistics.floats + rows,
                dx?.pointer, sums.floats, sums.floats + channels, Int64(rows), Int64(channels))
            try weight.accumulateGradient(sums.floats)
            try bias.accumulateGradient(sums.floats + channels)
            if let dx { tape.accumulate(dx, for: x) }
        }
        return y
    }
}
