import NeuralNetwork

/// The dual-stream teacher (DSMIL; Li, Li, Eliceiri 2021): instances are classified one by one, and the bag by
/// attention to the critical instance of each class, the one with the highest logit.
public final class DSMILTeacher: Module {
    /// What the teacher says of a bag of n images.
    public struct Output {
        /// n, 2.
        public let instanceLogits: Tensor
        /// 1, 2.
        public let bagLogits: Tensor
        /// 2, n: for each class, the softmax over the bag.
        public let attention: Tensor

        package init(instanceLogits: Tensor, bagLogits: Tensor, attention: Tensor) {
            self.instanceLogits = instanceLogits
            self.bagLogits = bagLogits
            self.attention = attention
        }
    }

    let hidden: [Linear]
    let instances: Linear
    let query: Linear
    let value: Linear
    /// A 1-D convolution in the reference, whose kernel covers all it is given: output, class, width.
    let bagWeight: Parameter
    let bagBias: Parameter
    let dropout: Float

    init(features: Int, hidden width: Int, dropout: Float) throws {
        hidden = [try Linear(features, width), try Linear(width, width)]
        instances = try Linear(width, 2)
        query = try Linear(width, width)
        value = try Linear(width, width)
        bagWeight = try Parameter(shape: [2, 2, width])
        bagBias = try Parameter(shape: [2])
        self.dropout = dropout
    }

    /// `features` is n, features of the encoder.
    public func callAsFunction(_ features: Tensor, _ pass: ForwardPass) throws -> Output {
        var h = features
        for linear in hidden { h = try linear(pass.dropout(h, probability: dropout), pass, activation: .relu) }
        let instanceLogits = try instances(h, pass, result: .float32)
        let queries = try query(h, pass, result: .float32)
        let critical = try pass.gathered(queries, rows: Self.criticalRows(instanceLogits))
        let width = queries.shape[1]
        let products = try pass.matmul(critical, queries, transposingB: true)
        let attention = try pass.softmax(pass.scaled(products, by: 1 / Float(width).squareRoot()))
        let classVectors = try pass.matmul(attention, value(h, pass, result: .float32))
        let flat = try pass.reshaped(classVectors, to: [1, 2 * width])
        let bagLogits = try pass.linear(flat, weight: bagWeight, bias: bagBias, result: .float32)
        return Output(instanceLogits: instanceLogits, bagLogits: bagLogits, attention: attention)
    }

    /// For each class the first row with the highest logit.
    private static func criticalRows(_ logits: Tensor) -> [Int] {
        logits.withValues { values in
            (0..<2).map { column in
                var best = 0
                for row in 1..<max(1, values.count / 2) where values[row * 2 + column] > values[best * 2 + column] {
                    best = row
                }
                return best
            }
        }
    }

    public func forEachParameter(_ prefix: String, _ body: (String, Parameter) throws -> Void) rethrows {
        try hidden[0].forEachParameter(joinedName(prefix, "classifier.1"), body)
        try hidden[1].forEachParameter(joinedName(prefix, "classifier.4"), body)
        try instances.forEachParameter(joinedName(prefix, "fc_dsmil.0"), body)
        try query.forEachParameter(joinedName(prefix, "q_dsmil"), body)
        try value.forEachParameter(joinedName(prefix, "v_dsmil.1"), body)
        try body(joinedName(prefix, "fcc_dsmil.weight"), bagWeight)
        try body(joinedName(prefix, "fcc_dsmil.bias"), bagBias)
    }
}
