import NeuralNetwork

/// Self-attention over windows of tokens with a learnt bias for each head and each absolute distance in rows and
/// columns. Each head's query, key and value lie together.
final class TableAttention: Module {
    private let heads: Int
    private let size: Int
    private let norm: LayerNorm
    private let queriesKeysValues: Linear
    private let projection: Linear
    /// Heads, size²: a bias for each distance, rows first.
    private let biases: Parameter
    private let places: [Int]

    /// `size` tokens along the side of a window.
    init(_ width: Int, heads: Int, size: Int) throws {
        self.heads = heads
        self.size = size
        norm = try LayerNorm(width, epsilon: 1e-5)
        queriesKeysValues = try Linear(width, 3 * width)
        projection = try Linear(width, width)
        biases = try Parameter(shape: [heads, size * size])
        places = Self.distances(size)
    }

    /// Tokens N,H,W,C; they are added to the result, which an inference pass writes over them.
    ///
    /// Tokens beyond the map are zeros before the normalisation: their queries, keys and values are all alike.
    func callAsFunction(_ x: Tensor, _ pass: ForwardPass) throws -> Tensor {
        let c = x.shape[3]
        let all = try queriesKeysValues(norm(x, pass), pass)
        let isWhole = x.shape[1] % size == 0 && x.shape[2] % size == 0
        let beyond = isWhole ? nil : try queriesKeysValues(norm(Tensor.zeros([1, c]), pass), pass)
        let windows = try pass.windows(all, size: size, padding: beyond)
        let width = c / heads
        func part(_ index: Int) throws -> AttentionOperand {
            try .interleaved(windows, offset: index * width, width: width, heads: heads)
        }
        let y = try pass.attention(
            query: part(0), key: part(1), value: part(2), scale: 1 / Float(width).squareRoot(),
            bias: .table(table()))
        return try projection(
            pass.unwindowed(y, size: size, shape: x.shape), pass, adding: x, overwriting: true, result: .float32)
    }

    /// Heads, queries, keys.
    private func table() throws -> Tensor {
        let (places, values, tokens) = (places, biases.values, size * size)
        return try Tensor.filled([heads, tokens, tokens]) { table in
            for head in 0..<heads {
                for (index, place) in places.enumerated() {
                    table[head * places.count + index] = values[head * tokens + place]
                }
            }
        }
    }

    /// For each query and each key of a window, row by row, the place of their distance in the table.
    static func distances(_ size: Int) -> [Int] {
        (0..<size * size).flatMap { query in
            (0..<size * size).map { key in
                abs(query / size - key / size) * size + abs(query % size - key % size)
            }
        }
    }

    func forEachParameter(_ prefix: String, _ body: (String, Parameter) throws -> Void) rethrows {
        try body(joinedName(prefix, "attention_biases"), biases)
        try norm.forEachParameter(joinedName(prefix, "norm"), body)
        try queriesKeysValues.forEachParameter(joinedName(prefix, "qkv"), body)
        try projection.forEachParameter(joinedName(prefix, "proj"), body)
    }
}
