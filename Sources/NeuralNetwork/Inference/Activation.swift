import COneDNN

/// A feature map or a matrix on its way through a compiled network: rows of channels, fp32 or bf16.
package struct Activation {
    /// N,H,W,C, or N,C.
    package let shape: [Int]
    package let precision: Precision
    package let memory: PooledMemory

    package init(shape: [Int], precision: Precision) throws {
        self.shape = shape
        self.precision = precision
        memory = try PooledMemory(bytes: max(1, shape.reduce(1, *)) * precision.bytes)
    }

    package var count: Int { shape.reduce(1, *) }

    /// fp32 numbers in another precision.
    package init(_ numbers: [Float], shape: [Int], precision: Precision) throws {
        guard numbers.count == shape.reduce(1, *) else {
            throw EngineError(.shapeMismatch, "\(numbers.count) numbers do not fill \(shape)")
        }
        try self.init(shape: shape, precision: precision)
        numbers.withUnsafeBufferPointer { source in
            guard let base = source.baseAddress else { return }
            if precision == .float32 {
                memory.floats.update(from: base, count: numbers.count)
            } else {
                nn_to_bf16(base, memory.halves, Int64(numbers.count))
            }
        }
    }

    /// A copy in fp32.
    package var values: [Float] {
        [Float](unsafeUninitializedCapacity: count) { buffer, filled in
            if let base = buffer.baseAddress {
                if precision == .float32 {
                    base.update(from: memory.floats, count: count)
                } else {
                    nn_from_bf16(memory.halves, base, Int64(count))
                }
            }
            filled = count
        }
    }

    /// The maximum over windows of a feature map.
    package func maxPooled(kernel: Int, stride: Int, padding: Int) throws -> Activation {
        let geometry = ConvolutionGeometry(stride: stride, padding: padding)
        let (n, h, w, c) = (Int64(shape[0]), Int64(shape[1]), Int64(shape[2]), Int64(shape[3]))
        let height = geometry.outputExtent(shape[1], kernel: kernel)
        let width = geometry.outputExtent(shape[2], kernel: kernel)
        let result = try Activation(shape: [shape[0], height, width, shape[3]], precision: precision)
        let (outH, outW) = (Int64(height), Int64(width))
        if precision == .float32 {
            nn_max_pool(
                memory.floats, result.memory.floats, nil, n, h, w, c, outH, outW, Int64(kernel), Int64(stride),
                Int64(padding))
        } else {
            nn_max_pool_bf16(
                memory.halves, result.memory.halves, n, h, w, c, outH, outW, Int64(kernel), Int64(stride),
                Int64(padding))
        }
        return result
    }

    /// The mean over a feature map's positions, in fp32: image after image.
    package func meanPooled() throws -> [Float] {
        let (n, pixels, c) = (shape[0], shape[1] * shape[2], shape[3])
        return [Float](unsafeUninitializedCapacity: n * c) { buffer, filled in
            if let base = buffer.baseAddress {
                if precision == .float32 {
                    nn_mean_pool(memory.floats, base, Int64(n), Int64(pixels), Int64(c))
                } else {
                    nn_mean_pool_bf16(memory.halves, base, Int64(n), Int64(pixels), Int64(c))
                }
            }
            filled = n * c
        }
    }
}
