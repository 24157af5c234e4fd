import NeuralNetwork

/// Attention between two sets of tokens, projected before and after.
final class ProjectedAttention: Module {
    private let heads: Int
    private let inner: Int
    private let query: Linear
    private let key: Linear
    private let value: Linear
    private let output: Linear

    /// `inner` numbers of a token for all heads together.
    init(_ width: Int, inner: Int, heads: Int) throws {
        self.heads = heads
        self.inner = inner
        query = try Linear(width, inner)
        key = try Linear(width, inner)
        value = try Linear(width, inner)
        output = try Linear(inner, width)
    }

    /// Tokens B,N,C; `residual` is added.
    func callAsFunction(
        query q: Tensor, key k: Tensor, value v: Tensor, adding residual: Tensor? = nil, _ pass: ForwardPass
    ) throws -> Tensor {
        let y = try pass.attention(
            query: .whole(query(q, pass), heads: heads), key: .whole(key(k, pass), heads: heads),
            value: .whole(value(v, pass), heads: heads), scale: 1 / Float(inner / heads).squareRoot())
        return try output(y, pass, adding: residual)
    }

    func forEachParameter(_ prefix: String, _ body: (String, Parameter) throws -> Void) rethrows {
        try query.forEachParameter(joinedName(prefix, "q_proj"), body)
        try key.forEachParameter(joinedName(prefix, "k_proj"), body)
        try value.forEachParameter(joinedName(prefix, "v_proj"), body)
        try output.forEachParameter(joinedName(prefix, "out_proj"), body)
    }
}
