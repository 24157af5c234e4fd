import NeuralNetwork

/// Self-attention of a map of tokens with positions relative in rows and in columns, over windows or the whole map.
final class RelativeAttention: Module {
    private let heads: Int
    /// Tokens along the side of a window; nil: the whole map.
    private let window: Int?
    private let queriesKeysValues: Linear
    private let projection: Linear
    /// 2·extent − 1 rows: what a query is multiplied with for each distance to a key, in rows and in columns.
    private let rowPositions: Parameter
    private let columnPositions: Parameter

    init(_ configuration: ImageEncoderConfiguration, window: Int?) throws {
        let width = configuration.width
        heads = configuration.heads
        self.window = window
        queriesKeysValues = try Linear(width, 3 * width)
        projection = try Linear(width, width)
        let extent = window ?? configuration.learntGrid
        rowPositions = try Parameter(shape: [2 * extent - 1, width / heads])
        columnPositions = try Parameter(shape: [2 * extent - 1, width / heads])
    }

    /// Tokens N,H,W,C; `residual` is added, and an inference pass uses its memory for the result.
    ///
    /// All that a token has for itself is computed before windows are cut and after they are joined, so that tokens
    /// beyond the map cost nothing there: their queries, keys and values are those of zeros, the bias.
    func callAsFunction(_ x: Tensor, adding residual: Tensor, _ pass: ForwardPass) throws -> Tensor {
        let (n, h, w, c) = (x.shape[0], x.shape[1], x.shape[2], x.shape[3])
        var all = try queriesKeysValues(x, pass)
        var (rows, columns) = (h, w)
        if let window {
            let beyond = try queriesKeysValues(Tensor.zeros([1, c]), pass)
            all = try pass.windows(all, size: window, padding: beyond)
            (rows, columns) = (window, window)
        } else {
            all = try pass.reshaped(all, to: [n, h * w, 3 * c])
        }
        let query = try AttentionOperand.part(all, 0, of: 3, heads: heads)
        let bias = try pass.relativePositions(
            of: query, rows: rows, columns: columns, rowTable: rowPositions, columnTable: columnPositions)
        var y = try pass.attention(
            query: query, key: .part(all, 1, of: 3, heads: heads), value: .part(all, 2, of: 3, heads: heads),
            scale: 1 / Float(c / heads).squareRoot(), bias: bias)
        y = try window.map { try pass.unwindowed(y, size: $0, shape: x.shape) } ?? pass.reshaped(y, to: x.shape)
        return try projection(y, pass, adding: residual, overwriting: true)
    }

    func keepOnlyPacked(tokens: Int, precision: Precision, _ quantised: QuantisedNetwork?) throws {
        try queriesKeysValues.keepOnlyPacked(rows: [tokens, 1], precision: precision, quantised)
        try projection.keepOnlyPacked(rows: [tokens], precision: precision, quantised)
    }

    func forEachParameter(_ prefix: String, _ body: (String, Parameter) throws -> Void) rethrows {
        try body(joinedName(prefix, "rel_pos_h"), rowPositions)
        try body(joinedName(prefix, "rel_pos_w"), columnPositions)
        try queriesKeysValues.forEachParameter(joinedName(prefix, "qkv"), body)
        try projection.forEachParameter(joinedName(prefix, "proj"), body)
    }
}
