import COneDNN

extension ForwardPass {
    /// The maximum over windows, padding never winning. The first of equal numbers gets the gradient.
    public func maxPool(_ x: Tensor, kernel: Int, stride: Int, padding: Int) throws -> Tensor {
        guard x.shape.count == 4, kernel * kernel <= 256, padding < kernel else {
            throw EngineError(.shapeMismatch, "a max pool of \(kernel)×\(kernel) cannot read a tensor of \(x.shape)")
        }
        let geometry = ConvolutionGeometry(stride: stride, padding: padding)
        let (n, h, w, c) = (x.shape[0], x.shape[1], x.shape[2], x.shape[3])
        let (outH, outW) = (geometry.outputExtent(h, kernel: kernel), geometry.outputExtent(w, kernel: kernel))
        guard outH > 0, outW > 0 else {
            throw EngineError(.shapeMismatch, "an input of \(x.shape) is too small for a max pool of \(kernel)")
        }
        let tape = records([x])
        if x.precision == .bfloat16 {
            let y = try Tensor(shape: [n, outH, outW, c], precision: .bfloat16)
            nn_max_pool_bf16(
                x.memory.halves, y.memory.halves, Int64(n), Int64(h), Int64(w), Int64(c), Int64(outH), Int64(outW),
                Int64(kernel), Int64(stride), Int64(padding))
            return y
        }
        let y = try Tensor(shape: [n, outH, outW, c])
        let winners = tape == nil ? nil : try PooledMemory(bytes: y.count)
        let winner = winners?.base.assumingMemoryBound(to: UInt8.self)
        nn_max_pool(
            x.pointer, y.pointer, winner, Int64(n), Int64(h), Int64(w), Int64(c), Int64(outH), Int64(outW),
            Int64(kernel), Int64(stride), Int64(padding))
        tape?.record(y) { gradient in
            guard let winners else { return }
            let dx = try Tensor(shape: x.shape)
            nn_max_pool_backward(
                gradient.pointer, winners.base.assumingMemoryBound(to: UInt8.self), dx.pointer, Int64(n), Int64(h),
                Int64(w), Int64(c), Int64(outH), Int64(outW), Int64(kernel), Int64(stride), Int64(padding))
            tape?.accumulate(dx, for: x)
        }
        return y
    }

    /// The mean over height and width: N,H,W,C to N,C, in fp32.
    public func globalAveragePool(_ x: Tensor) throws -> Tensor {
        guard x.shape.count == 4, x.shape[1] * x.shape[2] > 0 else {
            throw EngineError(.shapeMismatch, "global average pooling cannot read a tensor of \(x.shape) (N,H,W,C)")
        }
        let (n, pixels, c) = (Int64(x.shape[0]), Int64(x.shape[1] * x.shape[2]), Int64(x.shape[3]))
        let y = try Tensor(shape: [x.shape[0], x.shape[3]])
        if x.precision == .bfloat16 {
            nn_mean_pool_bf16(x.memory.halves, y.pointer, n, pixels, c)
            return y
        }
        nn_mean_pool(x.pointer, y.pointer, n, pixels, c)
        let tape = records([x])
        tape?.record(y) { gradient in
            let dx = try Tensor(shape: x.shape)
            nn_mean_pool_backward(gradient.pointer, dx.pointer, n, pixels, c)
            tape?.accumulate(dx, for: x)
        }
        return y
    }
}
