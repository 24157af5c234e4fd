import NeuralNetwork

/// Attention of all tokens to a coarser grid of them: keys and values are made from squares of reduction × reduction
/// tokens, brought to one by a convolution and normalised.
final class PVTAttention: Module {
    let heads: Int
    let query: Linear
    let keyValue: Linear
    let projection: Linear
    /// nil where nothing is reduced.
    let reduction: (convolution: Conv2d, norm: LayerNorm)?

    init(width: Int, heads: Int, reduction: Int) throws {
        self.heads = heads
        query = try Linear(width, width)
        keyValue = try Linear(width, 2 * width)
        projection = try Linear(width, width)
        self.reduction =
            reduction == 1
            ? nil
            : (
                try Conv2d(
                    width, width, kernel: reduction, geometry: ConvolutionGeometry(stride: reduction), hasBias: true),
                try LayerNorm(width, epsilon: 1e-5)
            )
    }

    /// `x` and the result are N,H,W,C. `residual`, if given, is added to the result, which an inference pass
    /// writes over it.
    func callAsFunction(_ x: Tensor, _ pass: ForwardPass, adding residual: Tensor?) throws -> Tensor {
        let (n, width) = (x.shape[0], x.shape[3])
        var seen = x
        if let reduction { seen = try reduction.norm(reduction.convolution(x, pass), pass) }
        let (tokens, seenTokens) = (x.count / (n * width), seen.count / (n * width))
        let queries = try pass.reshaped(query(x, pass), to: [n, tokens, width])
        let keysAndValues = try pass.reshaped(keyValue(seen, pass), to: [n, seenTokens, 2 * width])
        let mixed = try pass.attention(
            query: .whole(queries, heads: heads), key: .part(keysAndValues, 0, of: 2, heads: heads),
            value: .part(keysAndValues, 1, of: 2, heads: heads))
        return try projection(pass.reshaped(mixed, to: x.shape), pass, adding: residual, overwriting: true)
    }

    func forEachParameter(_ prefix: String, _ body: (String, Parameter) throws -> Void) rethrows {
        try query.forEachParameter(joinedName(prefix, "q"), body)
        try keyValue.forEachParameter(joinedName(prefix, "kv"), body)
        try projection.forEachParameter(joinedName(prefix, "proj"), body)
        try reduction?.convolution.forEachParameter(joinedName(prefix, "sr"), body)
        try reduction?.norm.forEachParameter(joinedName(prefix, "norm"), body)
    }
}
