import COneDNN

extension ForwardPass {
    /// The last two dimensions exchanged.
    public func transposed(_ x: Tensor) throws -> Tensor {
        guard x.shape.count >= 2, x.count > 0 else {
            throw EngineError(.shapeMismatch, "a tensor of \(x.shape) has no two dimensions to exchange")
        }
        let x = try float32(x)
        let y = try Self.transpose(x)
        let tape = records([x])
        tape?.record(y) { gradient in tape?.accumulate(try Self.transpose(gradient), for: x) }
        return y
    }

    /// Softmax over the last but one dimension.
    public func softmaxOverRows(_ x: Tensor) throws -> Tensor { try transposed(softmax(transposed(x))) }

    /// The product of the matrices in the last two dimensions, of one batch after the other. Either side's matrices may be
    /// taken transposed.
    public func batchedMatmul(
        _ a: Tensor, _ b: Tensor, transposingA: Bool = false, transposingB: Bool = false
    ) throws -> Tensor {
        let (a, b) = (try float32(a), try float32(b))
        let y = try Self.multiply(a, b, transposingA, transposingB)
        let tape = records([a, b])
        tape?.record(y) { gradient in
            if a.needsGradient {
                let da =
                    transposingA
                    ? try Self.multiply(b, gradient, transposingB, true)
                    : try Self.multiply(gradient, b, false, !transposingB)
                tape?.accumulate(da, for: a)
            }
            if b.needsGradient {
                let db =
                    transposingB
                    ? try Self.multiply(gradient, a, true, transposingA)
                    : try Self.multiply(a, gradient, !transposingA, false)
                tape?.accumulate(db, for: b)
            }
        }
        return y
    }

    private static func transpose(_ x: Tensor) throws -> Tensor {
        let (rows, columns) = (x.shape[x.shape.count - 2], x.shape[x.shape.count - 1])
        let y = try Tensor(shape: x.shape.dropLast(2) + [columns, rows])
        nn_transpose(x.pointer, y.pointer, Int64(x.count / (rows * columns)), Int64(rows), Int64(columns))
        return y
    }

    private static func multiply(_ a: Tensor, _ b: Tensor, _ transposesA: Bool, _ transposesB: Bool) throws -> Tensor {
        let (left, right) = (a.shape.suffix(2).map { $0 }, b.shape.suffix(2).map { $0 })
        guard left.count == 2, right.count == 2, a.shape.dropLast(2) == b.shape.dropLast(2), a.count > 0, b.count > 0,
            left[transposesA ? 0 : 1] == right[transposesB ? 1 : 0]
        else {
            throw EngineError(
                .shapeMismatch,
                "batches of \(a.shape)\(transposesA ? "ᵀ" : "") and \(b.shape)\(transposesB ? "ᵀ" : "") have no product")
        }
        let (rows, inner, columns) = (left[transposesA ? 1 : 0], left[transposesA ? 0 : 1], right[transposesB ? 0 : 1])
        var shape = MatmulShape(
            rows: rows, columns: columns, inner: inner, transposesA: transposesA, transposesB: transposesB)
        shape.batches = a.shape.dropLast(2).reduce(1, *)
        (shape.a.batch, shape.b.batch, shape.result.batch) = (rows * inner, inner * columns, rows * columns)
        let y = try Tensor(shape: a.shape.dropLast(2) + [rows, columns])
        try PrimitiveCache.shared.matmul(shape).forward(a.pointer, weights: b.pointer, result: y.pointer)
        return y
    }
}
