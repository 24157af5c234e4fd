import NeuralNetwork

/// Three linear layers with ReLU between.
final class Perceptron: Module {
    private let layers: [Linear]

    init(_ inputs: Int, hidden: Int, outputs: Int) throws {
        layers = [try Linear(inputs, hidden), try Linear(hidden, hidden), try Linear(hidden, outputs)]
    }

    func callAsFunction(_ x: Tensor, _ pass: ForwardPass) throws -> Tensor {
        let hidden = try layers.dropLast().reduce(x) { try $1($0, pass, activation: .relu) }
        return try layers[layers.count - 1](hidden, pass)
    }

    func forEachParameter(_ prefix: String, _ body: (String, Parameter) throws -> Void) rethrows {
        for (index, layer) in layers.enumerated() {
            try layer.forEachParameter(joinedName(prefix, "layers.\(index)"), body)
        }
    }
}
