import COneDNN

/// An operand with each head's rows brought together: dense matrices (tokens, width), one a batch and head.
struct AttentionHeads {
    let memory: PooledMemory
    let precision: Precision
    let matrices: Int
    let tokens: Int
    let width: Int

    /// Room for heads, with any content.
    init(matrices: Int, tokens: Int, width: Int, precision: Precision) throws {
        memory = try PooledMemory(bytes: max(1, matrices * tokens * width) * precision.bytes)
        self.precision = precision
        self.matrices = matrices
        self.tokens = tokens
        self.width = width
    }

    init(_ operand: AttentionOperand, precision: Precision) throws {
        try self.init(
            matrices: operand.batches * operand.heads, tokens: operand.tokens, width: operand.width, precision: precision)
        let narrow = operand.tensor.precision == .bfloat16
        nn_heads_gather(
            operand.tensor.memory.base + operand.offset * operand.tensor.precision.bytes, narrow ? 1 : 0, memory.base,
            precision == .bfloat16 ? 1 : 0, Int64(operand.batches), Int64(operand.heads), Int64(tokens), Int64(width),
            Int64(operand.batchStride), Int64(operand.tokenStride), Int64(operand.headStride))
    }

    /// Row `token` of matrix `matrix`.
    func row(_ matrix: Int, _ token: Int = 0) -> UnsafeMutableRawPointer {
        memory.base + (matrix * tokens + token) * width * precision.bytes
    }

    /// fp32 heads to where the operand's lie in `target`, a tensor of the operand's shape.
    func scatter(to target: Tensor, as operand: AttentionOperand) {
        nn_heads_scatter(
            memory.floats, target.memory.base + operand.offset * target.precision.bytes,
            target.precision == .bfloat16 ? 1 : 0, Int64(operand.batches), Int64(operand.heads), Int64(tokens),
            Int64(width), Int64(operand.batchStride), Int64(operand.tokenStride), Int64(operand.headStride))
    }
}

/// The matrix products of a block of attention: `matrices` at once, dense and one after the other.
struct AttentionProducts {
    let precision: Precision

    /// a (rows, inner) · b, b being (columns, inner) stored transposed or (inner, columns); a too may be stored transposed.
    /// The result is fp32, added to what is there if so said. Matrices of an operand lie `aStep` and `bStep` rows apart
    /// where only a block of them is multiplied.
    func callAsFunction(
        matrices: Int, rows: Int, columns: Int, inner: Int, a: UnsafeRawPointer, aTransposed: Bool = false, aStep: Int,
        b: UnsafeRawPointer, bTransposed: Bool, bStep: Int, result: UnsafeMutableRawPointer, resultStep: Int,
        adds: Bool = false
    ) throws {
        var shape = MatmulShape(
            rows: rows, columns: columns, inner: inner, transposesA: aTransposed, transposesB: bTransposed)
        shape.precision = precision
        shape.batches = matrices
        shape.a.batch = aStep
        shape.b.batch = bStep
        shape.result.batch = resultStep
        shape.addsDestination = adds
        try PrimitiveCache.shared.matmul(shape).forward(a, weights: b, result: result)
    }
}
