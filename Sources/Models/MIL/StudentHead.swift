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
        var h = features
        for linear in layers.dropLast() {
            h = try pass.relu(linear(pass.dropout(h, probability: dropout), pass))
        }
        return try layers[layers.count - 1](h, pass)
    }

    public func forEachParameter(_ prefix: String, _ body: (String, Parameter) throws -> Void) rethrows {
        for (linear, name) in zip(layers, ["classifier.1", "classifier.4", "top_layer"]) {
            try linear.forEachParameter(joinedName(prefix, name), body)
        }
    }
}
