import NeuralNetwork

/// One block of a vision transformer: attention among tokens, then two linear layers, each after a layer
/// normalisation and added to what came in. Names are timm's.
final class TransformerBlock: Module {
    private let heads: Int
    private let dropPath: Float
    private let norm1: LayerNorm
    private let qkv: Linear
    private let projection: Linear
    private let norm2: LayerNorm
    private let hidden: Linear
    private let output: Linear

    init(_ configuration: ViTConfiguration, dropPath: Float) throws {
        let width = configuration.width
        heads = configuration.heads
        self.dropPath = dropPath
        norm1 = try LayerNorm(width, epsilon: 1e-6)
        qkv = try Linear(width, 3 * width)
        projection = try Linear(width, width)
        norm2 = try LayerNorm(width, epsilon: 1e-6)
        hidden = try Linear(width, configuration.expansion * width)
        output = try Linear(configuration.expansion * width, width)
    }

    /// B,N,C to the same. `overwriting`: nobody else needs `x`, whose memory an inference pass may then use again.
    func callAsFunction(_ x: Tensor, _ pass: ForwardPass, overwriting: Bool = false) throws -> Tensor {
        let mixed = try qkv(norm1(x, pass), pass)
        let attended = try pass.attention(
            query: .part(mixed, 0, of: 3, heads: heads), key: .part(mixed, 1, of: 3, heads: heads),
            value: .part(mixed, 2, of: 3, heads: heads))
        let middle = try add(to: x, overwriting: overwriting, projection, attended, pass)
        return try add(
            to: middle, overwriting: true, output, hidden(norm2(middle, pass), pass, activation: .geluErf), pass)
    }

    /// x + layer(branch), the branch left out for some images while training with stochastic depth.
    private func add(
        to x: Tensor, overwriting: Bool, _ layer: Linear, _ branch: Tensor, _ pass: ForwardPass
    ) throws -> Tensor {
        guard pass.mode == .training, dropPath > 0 else {
            return try layer(branch, pass, adding: x, overwriting: overwriting)
        }
        return try pass.sum(x, pass.dropPath(layer(branch, pass), probability: dropPath))
    }

    /// Packs the linear layers for inputs of `rows` tokens and lets go of their plain weights.
    func keepOnlyPacked(rows: Int, precision: Precision, _ quantised: QuantisedNetwork?) throws {
        for layer in [qkv, projection, hidden, output] {
            try layer.keepOnlyPacked(rows: [rows], precision: precision, quantised)
        }
    }

    func forEachParameter(_ prefix: String, _ body: (String, Parameter) throws -> Void) rethrows {
        try norm1.forEachParameter(joinedName(prefix, "norm1"), body)
        try qkv.forEachParameter(joinedName(prefix, "attn.qkv"), body)
        try projection.forEachParameter(joinedName(prefix, "attn.proj"), body)
        try norm2.forEachParameter(joinedName(prefix, "norm2"), body)
        try hidden.forEachParameter(joinedName(prefix, "mlp.fc1"), body)
        try output.forEachParameter(joinedName(prefix, "mlp.fc2"), body)
    }
}
