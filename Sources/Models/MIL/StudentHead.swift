import NeuralNetwork

/// The student: classifies single images, taught by the teachers' pseudo-labels.
public final class StudentHead: Module {
    let layers: [Linear]
    let dropout: Float

    init(features: Int, hidden width: Int, dropout: Float) throws {
        layers = [try Linear(features, width), try Linear(width, width), try Linear(width, 2)]
        self.dropout = dropout
    }

    /// Logits, n, 2, from n, features. Class 1 is "polyp" in EndoKED's use.
    public func callAsFunction(_ features: Tensor, _ pass: ForwardPass) throws -> Tensor {
        try layers[layers.count - 1](hidden(features, pass).last ?? features, pass, result: .float32)
    }

    /// What each hidden layer gives, n, width.
    private func hidden(_ features: Tensor, _ pass: ForwardPass) throws -> [Tensor] {
        var outputs: [Tensor] = []
        for linear in layers.dropLast() {
            outputs.append(
                try linear(pass.dropout(outputs.last ?? features, probability: dropout), pass, activation: .relu))
        }
        return outputs
    }

    /// The gradient of the logit of class 1 with respect to one feature vector: back through the ReLUs that were on.
    func gradient(ofClass1At features: Tensor, _ pass: ForwardPass) throws -> [Float] {
        let outputs = try hidden(features, pass)
        var gradient = layers[layers.count - 1].weight.withValues { Array($0[$0.count / 2..<$0.count]) }
        for (layer, output) in zip(layers.dropLast(), outputs).reversed() {
            let active = output.values
            let width = layer.weight.shape[1]
            var below = [Float](repeating: 0, count: width)
            layer.weight.withValues { weights in
                for row in active.indices where active[row] > 0 {
                    for column in 0..<width { below[column] += gradient[row] * weights[row * width + column] }
                }
            }
            gradient = below
        }
        return gradient
    }

    public func forEachParameter(_ prefix: String, _ body: (String, Parameter) throws -> Void) rethrows {
        for (linear, name) in zip(layers, ["classifier.1", "classifier.4", "top_layer"]) {
            try linear.forEachParameter(joinedName(prefix, name), body)
        }
    }
}
