import COneDNN

extension ForwardPass {
    /// x·weightᵀ + bias. `x` has any leading dimensions and ends with `input`; `weight` is output, input.
    public func linear(_ x: Tensor, weight: Parameter, bias: Parameter? = nil) throws -> Tensor {
        let outputs = weight.shape[0]
        let inputs = weight.count / max(1, outputs)
        guard x.shape.last == inputs else {
            throw EngineError(
                .shapeMismatch, "a linear layer with weights \(weight.shape) cannot read a tensor of \(x.shape)")
        }
        let rows = x.count / max(1, inputs)
        var shape = MatmulShape(rows: rows, columns: outputs, inner: inputs, transposesB: true)
        shape.hasBias = bias != nil
        let y = try Tensor(shape: x.shape.dropLast() + [outputs])
        try PrimitiveCache.shared.matmul(shape)
            .forward(x.pointer, weights: weight.value.pointer, bias: bias?.value.pointer, result: y.pointer)

        let tape = records([x], parameters: true)
        tape?.record(y) { gradient in
            if let bias { try Self.accumulateColumnSums(of: gradient, columns: outputs, to: bias) }
            try weight.accumulateGradient { memory, adds in
                var shape = MatmulShape(rows: outputs, columns: inputs, inner: rows, transposesA: true)
                shape.addsDestination = adds
                try PrimitiveCache.shared.matmul(shape).forward(gradient.pointer, weights: x.pointer, result: memory)
            }
            guard x.needsGradient else { return }
            let dx = try Tensor(shape: x.shape)
            try PrimitiveCache.shared.matmul(MatmulShape(rows: rows, columns: inputs, inner: outputs))
                .forward(gradient.pointer, weights: weight.value.pointer, result: dx.pointer)
            tape?.accumulate(dx, for: x)
        }
        return y
    }

    /// The product of two matrices, `b` stored transposed if so said.
    public func matmul(_ a: Tensor, _ b: Tensor, transposingB: Bool = false) throws -> Tensor {
        guard a.shape.count == 2, b.shape.count == 2, a.shape[1] == b.shape[transposingB ? 1 : 0] else {
            throw EngineError(
                .shapeMismatch, "matrices of \(a.shape) and \(b.shape)\(transposingB ? "ᵀ" : "") have no product")
        }
        let (rows, inner, columns) = (a.shape[0], a.shape[1], b.shape[transposingB ? 0 : 1])
        let shape = MatmulShape(rows: rows, columns: columns, inner: inner, transposesB: transposingB)
        let y = try Tensor(shape: [rows, columns])
        try PrimitiveCache.shared.matmul(shape).forward(a.pointer, weights: b.pointer, result: y.pointer)

        let tape = records([a, b])
        tape?.record(y) { gradient in
            if a.needsGradient {
                let da = try Tensor(shape: a.shape)
                let shape = MatmulShape(rows: rows, columns: inner, inner: columns, transposesB: !transposingB)
                try PrimitiveCache.shared.matmul(shape).forward(gradient.pointer, weights: b.pointer, result: da.pointer)
                tape?.accumulate(da, for: a)
            }
            if b.needsGradient {
                let db = try Tensor(shape: b.shape)
                // b's gradient is aᵀ·g, or gᵀ·a where b is stored transposed.
                let shape = MatmulShape(
                    rows: transposingB ? columns : inner, columns: transposingB ? inner : columns, inner: rows,
                    transposesA: true)
                let (left, right) = transposingB ? (gradient, a) : (a, gradient)
                try PrimitiveCache.shared.matmul(shape).forward(left.pointer, weights: right.pointer, result: db.pointer)
                tape?.accumulate(db, for: b)
            }
        }
        return y
    }
}
