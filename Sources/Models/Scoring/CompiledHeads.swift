import NeuralNetwork

/// The three heads of a MIL network for inference. Immutable.
struct CompiledHeads: Sendable {
    private let attentionHidden: [CompiledLinear]
    private let attentionScore: [CompiledLinear]
    private let attentionTop: CompiledLinear
    private let dsmilHidden: [CompiledLinear]
    private let dsmilInstances: CompiledLinear
    private let dsmilQuery: CompiledLinear
    private let dsmilValue: CompiledLinear
    private let dsmilBag: [Float]
    private let dsmilBagBias: [Float]
    private let student: [CompiledLinear]
    private let precision: Precision

    init(_ network: MILNetwork, precision: Precision) {
        self.precision = precision
        let (attention, dsmil) = (network.attention, network.dsmil)
        attentionHidden = attention.hidden.map { CompiledLinear($0.linear, $0.norm, post: .relu, precision: precision) }
        attentionScore = [
            CompiledLinear(attention.attention.0, post: .tanh, precision: precision),
            CompiledLinear(attention.attention.1, precision: precision, resultPrecision: .float32),
        ]
        attentionTop = CompiledLinear(attention.topLayer, precision: .float32)
        dsmilHidden = dsmil.hidden.map { CompiledLinear($0, post: .relu, precision: precision) }
        dsmilInstances = CompiledLinear(dsmil.instances, precision: precision, resultPrecision: .float32)
        dsmilQuery = CompiledLinear(dsmil.query, precision: precision, resultPrecision: .float32)
        dsmilValue = CompiledLinear(dsmil.value, precision: precision, resultPrecision: .float32)
        dsmilBag = dsmil.bagWeight.values
        dsmilBagBias = dsmil.bagBias.values
        let layers = network.student.layers
        student = layers.enumerated().map { index, layer in
            index < layers.count - 1
                ? CompiledLinear(layer, post: .relu, precision: precision)
                : CompiledLinear(layer, precision: precision, resultPrecision: .float32)
        }
    }

    private func run(_ layers: [CompiledLinear], _ x: Activation) throws -> Activation {
        try layers.reduce(x) { try $1($0) }
    }

    private func input(_ features: [Float]) throws -> Activation {
        let width = student[0].inputs
        guard !features.isEmpty, features.count % width == 0 else {
            throw EngineError(.shapeMismatch, "\(features.count) numbers are not feature vectors of \(width)")
        }
        return try Activation(features, shape: [features.count / width, width], precision: precision)
    }

    /// Logits of the student, two for each image.
    func studentLogits(_ features: [Float]) throws -> [Float] { try run(student, input(features)).values }

    /// What a teacher computes of a bag of n images, all of it.
    struct Parts {
        var bagLogits: [Float]
        /// Attention: n raw scores. DSMIL: n pairs of instance logits.
        var instances: [Float]
        /// Attention: n weights. DSMIL: n weights for class 0, then n for class 1.
        var weights: [Float]
    }

    /// Both teachers on the features of one bag.
    func bag(_ features: [Float]) throws -> (attention: MILBagOutput, dsmil: MILBagOutput) {
        let (attention, dsmil) = (try attention(features), try dsmil(features))
        return (
            MILBagOutput(bagProbability: Self.positive(attention.bagLogits)[0], scores: attention.instances),
            MILBagOutput(bagProbability: Self.positive(dsmil.bagLogits)[0], scores: Self.positive(dsmil.instances))
        )
    }

    func attention(_ features: [Float]) throws -> Parts {
        let h = try run(attentionHidden, input(features))
        let scores = try run(attentionScore, h).values
        let weights = Self.softmax(scores)
        let bag = Self.weightedMean(h.values, weights: weights)
        let logits = try attentionTop(Activation(bag, shape: [1, bag.count], precision: .float32)).values
        return Parts(bagLogits: logits, instances: scores, weights: weights)
    }

    func dsmil(_ features: [Float]) throws -> Parts {
        let x = try input(features)
        let h = try run(dsmilHidden, x)
        let logits = try dsmilInstances(h).values
        let (queries, values) = (try dsmilQuery(h).values, try dsmilValue(h).values)
        let count = x.shape[0]
        let width = dsmilQuery.outputs
        var bagLogits = dsmilBagBias
        var weights: [Float] = []
        for category in 0..<2 {
            var critical = 0
            for row in 1..<count where logits[row * 2 + category] > logits[critical * 2 + category] { critical = row }
            let products = (0..<count).map { row in
                (0..<width).reduce(Float(0)) { $0 + queries[row * width + $1] * queries[critical * width + $1] }
                    / Float(width).squareRoot()
            }
            let attention = Self.softmax(products)
            weights += attention
            let vector = Self.weightedMean(values, weights: attention)
            for output in 0..<2 {
                let kernel = dsmilBag[(output * 2 + category) * width..<(output * 2 + category + 1) * width]
                bagLogits[output] += zip(kernel, vector).reduce(Float(0)) { $0 + $1.0 * $1.1 }
            }
        }
        return Parts(bagLogits: bagLogits, instances: logits, weights: weights)
    }

    /// The gradient of the student's logit of class 1 with respect to one feature vector: back through the ReLUs
    /// that were on.
    func studentGradient(_ features: [Float]) throws -> [Float] {
        var activations: [Activation] = [try input(features)]
        for layer in student.dropLast() { activations.append(try layer(activations[activations.count - 1])) }
        var gradient = Array(student[student.count - 1].weights[student[student.count - 1].inputs...])
        for (layer, output) in zip(student.dropLast(), activations.dropFirst()).reversed() {
            let active = output.values
            var below = [Float](repeating: 0, count: layer.inputs)
            layer.weights.withUnsafeBufferPointer { weights in
                for row in 0..<layer.outputs where active[row] > 0 {
                    for column in 0..<layer.inputs { below[column] += gradient[row] * weights[row * layer.inputs + column] }
                }
            }
            gradient = below
        }
        return gradient
    }

    /// Softmax of pairs of logits: the probability of class 1.
    static func positive(_ logits: [Float]) -> [Float] {
        (0..<logits.count / 2).map { Float(1 / (1 + Double.exponential(logits[2 * $0] - logits[2 * $0 + 1]))) }
    }

    private static func softmax(_ numbers: [Float]) -> [Float] {
        let highest = numbers.max() ?? 0
        let powers = numbers.map { Double.exponential($0 - highest) }
        let sum = powers.reduce(0, +)
        return powers.map { Float($0 / sum) }
    }

    /// Σ weight · row.
    private static func weightedMean(_ rows: [Float], weights: [Float]) -> [Float] {
        let width = rows.count / max(1, weights.count)
        var sum = [Float](repeating: 0, count: width)
        for (row, weight) in weights.enumerated() {
            for column in 0..<width { sum[column] += weight * rows[row * width + column] }
        }
        return sum
    }
}
