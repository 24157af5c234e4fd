/// Queries, keys or values: where in a tensor each head's rows lie.
///
/// The tensor is B,N,C; `width` numbers a head and token begin at `offset` + head · `headStride` of the token's row.
public struct AttentionOperand {
    let tensor: Tensor
    let heads: Int
    let width: Int
    let offset: Int
    let headStride: Int

    /// Throws `EngineError.shapeMismatch` for a tensor that is not B,N,C or whose rows are too short.
    public init(_ tensor: Tensor, heads: Int, width: Int, offset: Int, headStride: Int) throws {
        guard tensor.shape.count == 3, heads > 0, width > 0, offset >= 0,
            offset + (heads - 1) * headStride + width <= tensor.shape[2]
        else {
            throw EngineError(
                .shapeMismatch, "a tensor of \(tensor.shape) (B,N,C) does not hold \(heads) heads of \(width) numbers")
        }
        self.tensor = tensor
        self.heads = heads
        self.width = width
        self.offset = offset
        self.headStride = headStride
    }

    /// Rows of heads · width numbers.
    public static func whole(_ tensor: Tensor, heads: Int) throws -> AttentionOperand {
        try part(tensor, 0, of: 1, heads: heads)
    }

    /// Part `index` of rows that hold `count` of them one after the other, each heads · width: 3 for queries, keys and
    /// values of one projection, 2 for keys and values.
    public static func part(_ tensor: Tensor, _ index: Int, of count: Int, heads: Int) throws -> AttentionOperand {
        let width = (tensor.shape.last ?? 0) / max(1, count * heads)
        return try AttentionOperand(tensor, heads: heads, width: width, offset: index * heads * width, headStride: width)
    }

    /// Rows in which all that belongs to a head lies together; this operand's part begins at `offset` of each head's.
    public static func interleaved(_ tensor: Tensor, offset: Int, width: Int, heads: Int) throws -> AttentionOperand {
        try AttentionOperand(
            tensor, heads: heads, width: width, offset: offset, headStride: (tensor.shape.last ?? 0) / max(1, heads))
    }

    /// Whether a number of the tensor may belong to both operands.
    func overlaps(_ other: AttentionOperand) -> Bool {
        guard heads == other.heads, headStride == other.headStride else { return true }
        return (0..<heads).contains { head in
            (0..<heads).contains { another in
                let (a, b) = (offset + head * headStride, other.offset + another * headStride)
                return a < b + other.width && b < a + width
            }
        }
    }

    var batches: Int { tensor.shape[0] }
    var tokens: Int { tensor.shape[1] }
    var tokenStride: Int { tensor.shape[2] }
    var batchStride: Int { tensor.shape[1] * tensor.shape[2] }
}

/// What is added to the scores before their softmax. Inference only.
public enum AttentionBias {
    /// heads, queries, keys: the same for every batch.
    case table(Tensor)
    /// Relative positions by row and by column, for keys on a grid: B·heads, queries, grid height, and B·heads, queries,
    /// grid width (Li et al., MViTv2, 2022).
    case decomposed(height: Tensor, width: Tensor)

    /// Scores are fp32, and so is what is added to them.
    func inFloat32() throws -> AttentionBias {
        switch self {
        case .table(let table): .table(try table.converted(to: .float32))
        case .decomposed(let height, let width):
            .decomposed(height: try height.converted(to: .float32), width: try width.converted(to: .float32))
        }
    }
}
