import NeuralNetwork

/// The attention teacher (Ilse, Tomczak, Welling 2018): a bag is the mean of its images' features, weighted by a
/// softmax over learnt scores. An image's score is the raw one, before the softmax.
public final class AttentionTeacher: Module {
    /// What the teacher says of a bag of n images.
    public struct Output {
        /// 1, 2.
        public let bagLogits: Tensor
        /// n: raw attention.
        public let scores: Tensor
        /// 1, n: softmax of the scores.
        public let weights: Tensor
    }

    let hidden: [(linear: Linear, norm: BatchNorm)]
    let attention: (Linear, Linear)
    let topLayer: Linear
    let dropout: Float

    init(features: Int, hidden width: Int, dropout: Float) throws {
        hidden = [
            (try Linear(features, width), try BatchNorm(width)), (try Linear(width, width), try BatchNorm(width)),
        ]
        attention = (try Linear(width, width / 2), try Linear(width / 2, 1))
        topLayer = try Linear(width, 2)
        self.dropout = dropout
    }

    /// `features` is n, features of the encoder.
    public func callAsFunction(_ features: Tensor, _ pass: ForwardPass) throws -> Output {
        try output(of: projected(features, pass), pass)
    }

    /// The same of several bags whose features lie one after the other; `bags` are their rows.
    ///
    /// In training, batch normalisation takes its statistics over all of them. Over one small bag it would take away
    /// what the bag's images have in common, which is what a bag is told by, while inference has the statistics of all bags:
    /// on bags of a dozen images the teacher then learnt to look at the wrong ones.
    public func callAsFunction(_ features: Tensor, bags: [Range<Int>], _ pass: ForwardPass) throws -> [Output] {
        guard bags.count > 1 else { return [try self(features, pass)] }
        let projected = try projected(features, pass)
        return try bags.map { try output(of: pass.gathered(projected, rows: Array($0)), pass) }
    }

    private func projected(_ features: Tensor, _ pass: ForwardPass) throws -> Tensor {
        var h = features
        for (linear, norm) in hidden {
            h = try norm(linear(pass.dropout(h, probability: dropout), pass, result: .float32), pass, relu: true)
        }
        return h
    }

    private func output(of h: Tensor, _ pass: ForwardPass) throws -> Output {
        let scores = try attention.1(attention.0(h, pass, activation: .tanh), pass, result: .float32)
        let weights = try pass.softmax(pass.reshaped(scores, to: [1, scores.count]))
        let bag = try pass.matmul(weights, h)
        return Output(bagLogits: try topLayer(bag, pass, result: .float32), scores: scores, weights: weights)
    }

    public func forEachParameter(_ prefix: String, _ body: (String, Parameter) throws -> Void) rethrows {
        for (index, (linear, norm)) in hidden.enumerated() {
            try linear.forEachParameter(joinedName(prefix, "classifier.\(1 + 4 * index)"), body)
            try norm.forEachParameter(joinedName(prefix, "classifier.\(2 + 4 * index)"), body)
        }
        try attention.0.forEachParameter(joinedName(prefix, "attention.0"), body)
        try attention.1.forEachParameter(joinedName(prefix, "attention.2"), body)
        try topLayer.forEachParameter(joinedName(prefix, "top_layer"), body)
    }
}
