import COneDNN

/// The sizes of one attention, and its computation block by block over dense heads.
struct AttentionShape {
    let matrices: Int
    let heads: Int
    let queries: Int
    let keys: Int
    let width: Int
    let valueWidth: Int
    let scale: Float

    /// Scores that exist at a time: what the second-level cache holds beside keys and values.
    private static let scoresInBlock = 1 << 18

    init(
        _ query: AttentionOperand, _ key: AttentionOperand, _ value: AttentionOperand, scale: Float?, bias: AttentionBias?
    ) throws {
        matrices = query.batches * query.heads
        heads = query.heads
        queries = query.tokens
        keys = key.tokens
        width = query.width
        valueWidth = value.width
        self.scale = scale ?? 1 / Float(query.width).squareRoot()
        guard query.batches == key.batches, key.batches == value.batches, query.heads == key.heads,
            key.heads == value.heads, key.width == width, value.tokens == keys, keys > 0, queries > 0
        else {
            throw EngineError(
                .shapeMismatch,
                "attention cannot join queries of \(query.tensor.shape), keys of \(key.tensor.shape) and values of \(value.tensor.shape)"
            )
        }
        switch bias {
        case .table(let table) where table.shape != [heads, queries, keys]:
            throw EngineError(.shapeMismatch, "a bias of \(table.shape) for scores of \([heads, queries, keys])")
        case .decomposed(let height, let width)
        where height.shape.count != 3 || width.shape.count != 3 || height.shape.dropLast() != [matrices, queries]
            || width.shape.dropLast() != [matrices, queries] || height.shape[2] * width.shape[2] != keys:
            throw EngineError(
                .shapeMismatch, "biases of \(height.shape) and \(width.shape) for scores of \([matrices, queries, keys])")
        default: break
        }
    }

    /// Blocks of matrices and queries: several whole matrices where they are small, a range of queries of one otherwise.
    private var blocks: [(matrices: Range<Int>, queries: Range<Int>)] {
        let limit = max(1, Self.scoresInBlock / keys)
        if limit >= queries {
            return Self.ranges(matrices, step: max(1, limit / queries)).map { ($0, 0..<queries) }
        }
        // Blocks of about one size, in multiples of what kernels work on.
        let count = (queries + limit - 1) / limit
        let step = ((queries + count - 1) / count + 15) / 16 * 16
        return (0..<matrices).flatMap { matrix in Self.ranges(queries, step: step).map { (matrix..<matrix + 1, $0) } }
    }

    private static func ranges(_ count: Int, step: Int) -> [Range<Int>] {
        stride(from: 0, to: count, by: step).map { $0..<min(count, $0 + step) }
    }

    /// The heads' results, in fp32.
    func forward(
        _ q: AttentionHeads, _ k: AttentionHeads, _ v: AttentionHeads, bias: AttentionBias?
    ) throws -> AttentionHeads {
        let made = try AttentionHeads(matrices: matrices, tokens: queries, width: valueWidth, precision: .float32)
        let products = AttentionProducts(precision: q.precision)
        for block in blocks {
            let scores = try probabilities(block, q, k, bias: bias, keepsScores: false)
            try products(
                matrices: block.matrices.count, rows: block.queries.count, columns: valueWidth, inner: keys,
                a: scores.probabilities, aStep: block.queries.count * keys, b: v.row(block.matrices.lowerBound),
                bTransposed: false, bStep: keys * valueWidth,
                result: made.row(block.matrices.lowerBound, block.queries.lowerBound), resultStep: queries * valueWidth)
        }
        return made
    }

    /// The probabilities of a block, in the precision of the heads; in fp32 besides if so said.
    private func probabilities(
        _ block: (matrices: Range<Int>, queries: Range<Int>), _ q: AttentionHeads, _ k: AttentionHeads,
        bias: AttentionBias?, keepsScores: Bool
    ) throws -> BlockOfScores {
        let made = try BlockOfScores(count: block.matrices.count * block.queries.count * keys, precision: q.precision)
        try AttentionProducts(precision: q.precision)(
            matrices: block.matrices.count, rows: block.queries.count, columns: keys, inner: width,
            a: q.row(block.matrices.lowerBound, block.queries.lowerBound), aStep: queries * width,
            b: k.row(block.matrices.lowerBound), bTransposed: true, bStep: keys * width, result: made.scores.base,
            resultStep: block.queries.count * keys)
        var shape = nn_attention_scores()
        shape.matrices = Int64(block.matrices.count)
        shape.rows = Int64(block.queries.count)
        shape.keys = Int64(keys)
        shape.first_matrix = Int64(block.matrices.lowerBound)
        shape.first_query = Int64(block.queries.lowerBound)
        shape.queries = Int64(queries)
        shape.heads = Int64(heads)
        shape.scale = scale
        shape.result_bf16 = q.precision == .bfloat16 ? 1 : 0
        shape.keeps_scores = keepsScores ? 1 : 0
        switch bias {
        case .table(let table):
            shape.table = UnsafePointer(table.pointer)
        case .decomposed(let height, let width):
            shape.height = UnsafePointer(height.pointer)
            shape.width = UnsafePointer(width.pointer)
            shape.key_width = Int64(width.shape[2])
        case nil: break
        }
        withExtendedLifetime(bias) { nn_attention_softmax(&shape, made.scores.floats, made.narrow?.base) }
        return made
    }

    /// With P the probabilities and g the gradient of the result: dV = Pᵀ·g, dP = g·Vᵀ, dS = P∘(dP − ΣP∘dP)·scale,
    /// dQ = dS·K, dK = dSᵀ·Q. Blocks follow each other in one order, so sums do too.
    func backward(
        _ q: AttentionHeads, _ k: AttentionHeads, _ v: AttentionHeads, gradient g: AttentionHeads
    ) throws -> (AttentionHeads, AttentionHeads, AttentionHeads) {
        let dq = try AttentionHeads(matrices: matrices, tokens: queries, width: width, precision: .float32)
        let dk = try AttentionHeads(matrices: matrices, tokens: keys, width: width, precision: .float32)
        let dv = try AttentionHeads(matrices: matrices, tokens: keys, width: valueWidth, precision: .float32)
        let products = AttentionProducts(precision: q.precision)
        for block in blocks {
            let (matrix, query) = (block.matrices.lowerBound, block.queries.lowerBound)
            let (count, rows) = (block.matrices.count, block.queries.count)
            let isFirst = query == 0
            let p = try probabilities(block, q, k, bias: nil, keepsScores: true)
            try products(
                matrices: count, rows: keys, columns: valueWidth, inner: rows, a: p.probabilities, aTransposed: true,
                aStep: rows * keys, b: g.row(matrix, query), bTransposed: false, bStep: queries * valueWidth,
                result: dv.row(matrix), resultStep: keys * valueWidth, adds: !isFirst)
            let d = try BlockOfScores(count: count * rows * keys, precision: q.precision)
            try products(
                matrices: count, rows: rows, columns: keys, inner: valueWidth, a: g.row(matrix, query),
                aStep: queries * valueWidth, b: v.row(matrix), bTransposed: true, bStep: keys * valueWidth,
                result: d.scores.base, resultStep: rows * keys)
            nn_attention_softmax_backward(
                p.scores.floats, d.scores.floats, d.probabilities, q.precision == .bfloat16 ? 1 : 0,
                Int64(count * rows), Int64(keys), scale)
            try products(
                matrices: count, rows: rows, columns: width, inner: keys, a: d.probabilities, aStep: rows * keys,
                b: k.row(matrix), bTransposed: false, bStep: keys * width, result: dq.row(matrix, query),
                resultStep: queries * width)
            try products(
                matrices: count, rows: keys, columns: width, inner: rows, a: d.probabilities, aTransposed: true,
                aStep: rows * keys, b: q.row(matrix, query), bTransposed: false, bStep: queries * width,
                result: dk.row(matrix), resultStep: keys * width, adds: !isFirst)
        }
        return (dq, dk, dv)
    }
}

/// The scores of a block in fp32, and what they become in the precision of the next product.
private struct BlockOfScores {
    let scores: PooledMemory
    let narrow: PooledMemory?

    init(count: Int, precision: Precision) throws {
        scores = try PooledMemory(bytes: count * 4)
        narrow = precision == .bfloat16 ? try PooledMemory(bytes: count * 2) : nil
    }

    var probabilities: UnsafeMutableRawPointer { narrow?.base ?? scores.base }
}
