import COneDNN

extension DepthwiseMLP {
    /// Bytes of the hidden layer in fp32 that are worked on at a time. Gradients are added up image block by image block,
    /// in one order whatever the number of threads.
    private static let hiddenAtOnce = 32 << 20

    private var blocks: [Range<Int>] {
        let step = max(1, Self.hiddenAtOnce / (height * width * hidden * 4))
        return stride(from: 0, to: images, by: step).map { $0..<min(images, $0 + step) }
    }

    private var pixels: Int { height * width }

    /// The hidden layer before its convolution is all that is kept for the backward pass.
    func forward(_ source: PooledMemory, adding: Bool, to y: Tensor) throws -> PooledMemory {
        let wide = try PooledMemory(bytes: images * height * hiddenRow)
        try multiply(widening, rows: images * pixels, source.base, result: wide.base, precision: precision)
        for block in blocks {
            let active = try PooledMemory(bytes: block.count * height * hiddenRow)
            convolve(
                images: block.count, held: 0..<height, results: 0..<height,
                wide.base + block.lowerBound * height * hiddenRow, result: active.base)
            try multiply(
                narrowing, rows: block.count * pixels, active.base,
                result: y.memory.base + block.lowerBound * pixels * outputs * 4, precision: .float32, adds: adding)
        }
        return wide
    }

    /// Carries the gradient of the result back to all parameters, and to `dx` where that is wanted.
    func backward(_ gradient: Tensor, source: PooledMemory, wide: PooledMemory, dx: Tensor?) throws {
        if let bias = narrowing.bias { try ForwardPass.accumulateColumnSums(of: gradient, columns: outputs, to: bias) }
        for block in blocks {
            let (rows, first) = (block.count * pixels, block.lowerBound * pixels)
            let hiddenSource = wide.base + first * hidden * precision.bytes
            // The hidden layer after GELU is computed once more, and the gradient of what GELU read with it.
            let slope = try PooledMemory(bytes: rows * hidden * 4)
            try withOperand(gradient.pointer + first * outputs, count: rows * outputs) { g in
                try inputGradient(narrowing, rows: rows, gradient: g, result: slope.floats)
                let active = try PooledMemory(bytes: rows * hidden * precision.bytes)
                convolve(
                    images: block.count, held: 0..<height, results: 0..<height, hiddenSource, slope: slope.floats,
                    result: active.base)
                try weightGradient(narrowing, rows: rows, gradient: g, source: active.base)
            }
            let gathered = try PooledMemory(bytes: rows * hidden * 4)
            let dWide = gathered.floats
            try convolveBackward(images: block.count, hiddenSource, gradient: slope.floats, result: dWide)
            try withOperand(dWide, count: rows * hidden) { narrow in
                let x = source.base + first * inputs * precision.bytes
                try weightGradient(widening, rows: rows, gradient: narrow, source: x)
                guard let dx else { return }
                try inputGradient(widening, rows: rows, gradient: narrow, result: dx.pointer + first * inputs)
            }
            withExtendedLifetime(gathered) {}
        }
    }

    /// gradientᵀ·source, added to the gradient of the layer's weights.
    private func weightGradient(
        _ layer: Linear, rows: Int, gradient: UnsafeRawPointer, source: UnsafeRawPointer
    ) throws {
        try layer.weight.accumulateGradient { memory, adds in
            var shape = MatmulShape(
                rows: layer.weight.shape[0], columns: layer.weight.shape[1], inner: rows, transposesA: true)
            shape.addsDestination = adds
            shape.precision = precision
            try PrimitiveCache.shared.matmul(shape).forward(gradient, weights: source, result: memory)
        }
    }

    /// gradient·weight, in fp32.
    private func inputGradient(
        _ layer: Linear, rows: Int, gradient: UnsafeRawPointer, result: UnsafeMutablePointer<Float>
    ) throws {
        var shape = MatmulShape(rows: rows, columns: layer.weight.shape[1], inner: layer.weight.shape[0])
        shape.precision = precision
        shape.packsB = true
        let primitive = try PrimitiveCache.shared.matmul(shape)
        let packed = try layer.weight.packed.packed(
            layer.weight.value.pointer, version: layer.weight.version, for: primitive)
        try withExtendedLifetime(packed) { try primitive.forward(gradient, weights: packed.base, result: result) }
    }

    /// Calls `body` with the numbers in the precision that products read: in place, or a copy.
    private func withOperand(
        _ numbers: UnsafePointer<Float>, count: Int, _ body: (UnsafeRawPointer) throws -> Void
    ) throws {
        guard precision == .bfloat16 else { return try body(numbers) }
        let made = try PooledMemory(bytes: count * precision.bytes)
        nn_to_bf16(numbers, made.halves, Int64(count))
        try withExtendedLifetime(made) { try body(made.base) }
    }
}
