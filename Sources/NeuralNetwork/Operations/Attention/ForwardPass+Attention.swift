import COneDNN

extension ForwardPass {
    /// softmax(queries·keysᵀ·scale + bias)·values of each head (Vaswani et al. 2017): B,N,heads·width of the values.
    ///
    /// Scores exist for a block of queries at a time and never as a whole; the backward pass computes them again
    /// (Dao et al., FlashAttention, 2022, without its tiling of keys: a row of scores fits the cache).
    ///
    /// An inference pass hands on `result`, or its own precision.
    ///
    /// Throws `EngineError.shapeMismatch` where operands or bias do not fit each other, and `.unsupported` for a bias in a
    /// recorded pass.
    public func attention(
        query: AttentionOperand, key: AttentionOperand, value: AttentionOperand, scale: Float? = nil,
        bias: AttentionBias? = nil, result: Precision? = nil
    ) throws -> Tensor {
        let shape = try AttentionShape(query, key, value, scale: scale, bias: bias)
        let tape = records([query.tensor, key.tensor, value.tensor])
        guard tape == nil || bias == nil else {
            throw EngineError(
                .unsupported, "attention with a bias on its scores cannot be trained: run it in an inference pass")
        }
        let y = try Tensor(
            shape: [query.batches, query.tokens, query.heads * value.width],
            precision: tape == nil ? result ?? activationPrecision : .float32)
        let (precision, layout) = (precision, try AttentionOperand.whole(y, heads: query.heads))
        if tape == nil,
            try shape.infer(query, key, value, bias: bias?.inFloat32(), precision: precision, result: layout)
        {
            return y
        }
        let heads = (
            try AttentionHeads(query, precision: precision), try AttentionHeads(key, precision: precision),
            try AttentionHeads(value, precision: precision)
        )
        try shape.forward(heads.0, heads.1, heads.2, bias: bias?.inFloat32()).scatter(to: y, as: layout)
        guard let tape else { return y }
        tape.record(y) { gradient in
            let queries = try AttentionHeads(query, precision: precision)
            let keys = try AttentionHeads(key, precision: precision)
            let values = try AttentionHeads(value, precision: precision)
            let slopes = try AttentionHeads(.whole(gradient, heads: query.heads), precision: precision)
            let (dq, dk, dv) = try shape.backward(queries, keys, values, gradient: slopes)
            // Parts of one tensor that lie apart share its gradient; those that overlap are added up.
            var made: [(AttentionOperand, Tensor)] = []
            for (operand, heads) in [(query, dq), (key, dk), (value, dv)] where operand.tensor.needsGradient {
                let same = made.filter { $0.0.tensor === operand.tensor }
                let gradient =
                    same.isEmpty || same.contains { $0.0.overlaps(operand) }
                    ? try Tensor.zeros(operand.tensor.shape) : same[0].1
                heads.scatter(to: gradient, as: operand)
                made.append((operand, gradient))
            }
            var given = Set<ObjectIdentifier>()
            for (operand, gradient) in made where given.insert(ObjectIdentifier(gradient)).inserted {
                tape.accumulate(gradient, for: operand.tensor)
            }
        }
        return y
    }
}
