import COneDNN

extension AttentionShape {
    /// All heads by one kernel that reads operands where they lie and leaves nothing in memory but the result. False where
    /// the processor has no vectors for it, or the sizes no place in it.
    func infer(
        _ query: AttentionOperand, _ key: AttentionOperand, _ value: AttentionOperand, bias: AttentionBias?,
        precision: Precision, result: AttentionOperand
    ) throws -> Bool {
        let narrow: Int32 = precision == .bfloat16 ? 1 : 0
        guard nn_attention_is_fast(narrow, Int64(width)) != 0, scale > 0 else { return false }
        var shape = nn_attention()
        (shape.batches, shape.heads) = (Int64(query.batches), Int64(heads))
        (shape.queries, shape.keys) = (Int64(queries), Int64(keys))
        (shape.width, shape.value_width) = (Int64(width), Int64(valueWidth))
        shape.scale = scale
        shape.bf16 = narrow
        (shape.q, shape.k, shape.v, shape.y) = (query.places, key.places, value.places, result.places)
        switch bias {
        case .table(let table): shape.table = UnsafePointer(table.pointer)
        case .decomposed(let height, let width):
            shape.bias_height = UnsafePointer(height.pointer)
            shape.bias_width = UnsafePointer(width.pointer)
            shape.key_width = Int64(width.shape[2])
        case nil: break
        }
        let scratch = try PooledMemory(bytes: nn_attention_scratch_bytes(&shape))
        withExtendedLifetime((query, key, value, result, bias, scratch)) { nn_attention_run(&shape, scratch.base) }
        return true
    }
}

extension AttentionOperand {
    fileprivate var places: nn_heads {
        nn_heads(
            base: tensor.memory.base + offset * tensor.precision.bytes, batch: Int64(batchStride),
            token: Int64(tokenStride), head: Int64(headStride), bf16: tensor.precision == .bfloat16 ? 1 : 0)
    }
}
