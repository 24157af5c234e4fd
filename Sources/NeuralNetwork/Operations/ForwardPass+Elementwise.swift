import COneDNN

extension ForwardPass {
    public func relu(_ x: Tensor) throws -> Tensor { try elementwise(x, nn_relu, nn_relu_backward) }

    /// min(max(x, 0), 6) (Howard et al. 2017).
    public func relu6(_ x: Tensor) throws -> Tensor { try elementwise(x, nn_relu6, nn_relu6_backward) }

    public func tanh(_ x: Tensor) throws -> Tensor { try elementwise(x, nn_tanh, nn_tanh_backward) }

    /// 1 / (1 + e^−x).
    public func sigmoid(_ x: Tensor) throws -> Tensor { try elementwise(float32(x), nn_sigmoid, nn_sigmoid_backward) }

    /// A function of each number of an fp32 tensor, whose slope follows from its result.
    /// - Parameter backward: from the result and its gradient, to the gradient of `x`; in place.
    private func elementwise(
        _ x: Tensor, _ function: (UnsafePointer<Float>, UnsafeMutablePointer<Float>, Int64) -> Void,
        _ backward: @escaping (UnsafePointer<Float>, UnsafePointer<Float>, UnsafeMutablePointer<Float>, Int64) -> Void
    ) throws -> Tensor {
        let y = try Tensor(shape: x.shape)
        function(x.pointer, y.pointer, Int64(x.count))
        let tape = records([x])
        tape?.record(y) { gradient in
            backward(y.pointer, gradient.pointer, gradient.pointer, Int64(x.count))
            tape?.accumulate(gradient, for: x)
        }
        return y
    }

    /// x · factor.
    public func scaled(_ x: Tensor, by factor: Float) throws -> Tensor {
        let y = try Tensor(shape: x.shape)
        y.pointer.update(from: x.pointer, count: x.count)
        nn_scale(y.pointer, factor, Int64(x.count))
        let tape = records([x])
        tape?.record(y) { gradient in
            nn_scale(gradient.pointer, factor, Int64(x.count))
            tape?.accumulate(gradient, for: x)
        }
        return y
    }

    /// While training, each number is set to zero with the probability given and the rest is scaled up; which
    /// ones depends on the pass's seed and the number's place alone. In evaluation, `x` itself.
    public func dropout(_ x: Tensor, probability: Float) throws -> Tensor {
        guard mode == .training, probability > 0 else { return x }
        guard probability < 1 else {
            throw EngineError(.invalidOption, "dropout with probability \(probability): give a number in [0, 1)")
        }
        let seed = nextSeed()
        let y = try Tensor(shape: x.shape)
        nn_dropout(x.pointer, y.pointer, Int64(x.count), probability, seed)
        let tape = records([x])
        tape?.record(y) { gradient in
            nn_dropout(gradient.pointer, gradient.pointer, Int64(x.count), probability, seed)
            tape?.accumulate(gradient, for: x)
        }
        return y
    }

    /// Softmax over the last dimension.
    public func softmax(_ x: Tensor) throws -> Tensor {
        let columns = x.shape.last ?? 1
        let rows = x.count / max(1, columns)
        let y = try Tensor(shape: x.shape)
        nn_softmax_rows(x.pointer, y.pointer, Int64(rows), Int64(columns))
        let tape = records([x])
        tape?.record(y) { gradient in
            let dx = try Tensor(shape: x.shape)
            nn_softmax_rows_backward(y.pointer, gradient.pointer, dx.pointer, Int64(rows), Int64(columns))
            tape?.accumulate(dx, for: x)
        }
        return y
    }

    /// The same numbers in the same order under another shape.
    public func reshaped(_ x: Tensor, to shape: [Int]) throws -> Tensor {
        let y = try Tensor(sharing: x, shape: shape)
        let tape = records([x])
        tape?.record(y) { gradient in
            tape?.accumulate(try Tensor(sharing: gradient, shape: x.shape), for: x)
        }
        return y
    }

    /// Rows of a matrix, in the order of `indices`.
    public func gathered(_ x: Tensor, rows indices: [Int]) throws -> Tensor {
        guard x.shape.count == 2, indices.allSatisfy(x.shape[0] > 0 ? (0..<x.shape[0]).contains : { _ in false }) else {
            throw EngineError(.shapeMismatch, "rows \(indices) cannot be taken from a tensor of \(x.shape)")
        }
        let width = x.shape[1]
        let y = try Tensor(shape: [indices.count, width])
        for (row, index) in indices.enumerated() {
            (y.pointer + row * width).update(from: x.pointer + index * width, count: width)
        }
        let tape = records([x])
        tape?.record(y) { gradient in
            let dx = try Tensor.zeros(x.shape)
            for (row, index) in indices.enumerated() {
                nn_add(dx.pointer + index * width, gradient.pointer + row * width, Int64(width))
            }
            tape?.accumulate(dx, for: x)
        }
        return y
    }
}
