import COneDNN

/// The parameters and buffers of one batch normalisation, and its constants.
struct BatchNormalisationState {
    var weight: Parameter
    var bias: Parameter
    var runningMean: Parameter
    var runningVariance: Parameter
    var epsilon: Float
    var momentum: Float
}

extension ForwardPass {
    /// Batch normalisation over all but the last dimension (Ioffe and Szegedy 2015), with a residual added and
    /// ReLU applied in the same sweep if so said.
    ///
    /// `usesBatch`: normalise by the batch's own mean and (biased) variance, and teach the running ones (with the
    /// unbiased variance, as the reference does); otherwise by the running ones, which then are constants.
    ///
    /// `x` may be what a convolution made in bf16; its gradient then is bf16 too, and a result with ReLU has a copy in bf16
    /// for the next convolution, or is nothing else where `result` says so.
    func batchNormalised(
        _ x: Tensor, _ state: BatchNormalisationState, usesBatch: Bool, adding addend: Tensor?, relu: Bool,
        result: Precision = .float32
    ) throws -> Tensor {
        let channels = state.weight.count
        guard x.shape.last == channels, x.count > 0, addend == nil || addend?.shape == x.shape else {
            throw EngineError(
                .shapeMismatch,
                "batch normalisation of \(channels) channels cannot read a tensor of \(x.shape)"
                    + (addend.map { " with a residual of \($0.shape)" } ?? ""))
        }
        let rows = x.count / channels
        guard !usesBatch || rows > 1 else {
            throw EngineError(.shapeMismatch, "batch statistics need more than one value a channel; got \(x.shape)")
        }
        let isNarrow = x.precision == .bfloat16
        guard result == .float32 || isNarrow && relu else {
            throw EngineError(.invalidOption, "only ReLU behind a normalised bf16 tensor hands on bf16")
        }
        // Mean, 1/deviation, scale and shift of each channel.
        let numbers = try PooledMemory(bytes: 4 * channels * 4)
        let mean = numbers.floats
        let (inverse, scale, shift) = (mean + channels, mean + 2 * channels, mean + 3 * channels)
        if usesBatch {
            nn_batch_statistics(x.memory.base, mean, inverse, Int64(rows), Int64(channels), isNarrow ? 1 : 0)
            if updatesRunningStatistics { learn(mean, variance: inverse, rows: rows, state) }
        } else {
            mean.update(from: state.runningMean.value.pointer, count: channels)
            inverse.update(from: state.runningVariance.value.pointer, count: channels)
        }
        let (weight, bias) = (state.weight.value.pointer, state.bias.value.pointer)
        for channel in 0..<channels {
            inverse[channel] = 1 / (inverse[channel] + state.epsilon).squareRoot()
            scale[channel] = weight[channel] * inverse[channel]
            shift[channel] = bias[channel] - mean[channel] * scale[channel]
        }
        let y = try Tensor(shape: x.shape, precision: result)
        let narrow = try isNarrow && relu ? y.narrow ?? PooledMemory(bytes: x.count * 2) : nil
        y.narrow = narrow
        nn_scale_shift(
            x.memory.base, scale, shift, addend?.pointer, result == .float32 ? y.pointer : nil, narrow?.halves,
            Int64(rows),
            Int64(channels), relu ? 1 : 0, isNarrow ? 1 : 0)

        let inputs = addend.map { [x, $0] } ?? [x]
        let tape = records(inputs, parameters: true)
        tape?.record(y, parameters: [state.weight, state.bias]) { gradient in
            try Self.batchNormalisedBackward(
                gradient, x: x, y: relu ? narrow ?? y.memory : nil, addend: addend, numbers: numbers, state,
                usesBatch: usesBatch,
                tape: tape)
        }
        return y
    }

    private func learn(
        _ mean: UnsafePointer<Float>, variance: UnsafePointer<Float>, rows: Int, _ state: BatchNormalisationState
    ) {
        let unbiased = Float(rows) / Float(rows - 1)
        state.runningMean.update { running in
            for i in running.indices { running[i] += state.momentum * (mean[i] - running[i]) }
        }
        state.runningVariance.update { running in
            for i in running.indices { running[i] += state.momentum * (variance[i] * unbiased - running[i]) }
        }
    }

    /// With g the gradient behind the ReLU and x̂ the normalised input:
    /// dx = weight/deviation · (g − mean(g) − x̂·mean(g·x̂)), without the means where the statistics are constants.
    private static func batchNormalisedBackward(
        _ gradient: Tensor, x: Tensor, y: PooledMemory?, addend: Tensor?, numbers: PooledMemory,
        _ state: BatchNormalisationState, usesBatch: Bool, tape: Tape?
    ) throws {
        let channels = state.weight.count
        let rows = x.count / channels
        let isNarrow: Int32 = x.precision == .bfloat16 ? 1 : 0
        let mean = numbers.floats
        let (inverse, scale) = (mean + channels, mean + 2 * channels)
        let work = try PooledMemory(bytes: 4 * channels * 4)
        let sums = work.floats
        let (products, b, c) = (sums + channels, sums + 2 * channels, sums + 3 * channels)
        nn_batch_gradient_sums(
            x.memory.base, y?.base, gradient.pointer, mean, inverse, sums, products, Int64(rows), Int64(channels),
            isNarrow)
        try state.weight.accumulateGradient(products)
        try state.bias.accumulateGradient(sums)
        for channel in 0..<channels {
            guard usesBatch else {
                (b[channel], c[channel]) = (0, 0)
                continue
            }
            let share = 1 / Float(rows)
            b[channel] = -scale[channel] * inverse[channel] * products[channel] * share
            c[channel] = -scale[channel] * sums[channel] * share - b[channel] * mean[channel]
        }
        // Without ReLU the addend's gradient is the gradient itself; with it, what the same sweep masks. Either
        // way it may take over the gradient's memory, and x's gradient only where there is no addend.
        let dx = addend == nil && isNarrow == 0 ? gradient : try Tensor(shape: x.shape, precision: x.precision)
        let masked = addend != nil && y != nil ? gradient.pointer : nil
        nn_batch_gradient_apply(
            x.memory.base, y?.base, gradient.pointer, scale, b, c, dx.memory.base, masked, Int64(rows), Int64(channels),
            isNarrow)
        tape?.accumulate(dx, for: x)
        if let addend { tape?.accumulate(gradient, for: addend) }
    }
}
