import NeuralNetwork

/// Takes class tokens to where they are contrasted: three linear layers with GELU between, rows brought to length one,
/// then a linear layer whose rows have length `weight_g` (weight normalisation, Salimans and Kingma 2016), fixed at 1.
final class ProjectionHead: Module {
    private let layers: [Linear]
    private let direction: Parameter
    private let length: Parameter

    /// `widths`: hidden, last but one, last.
    init(inputs: Int, widths: [Int]) throws {
        let (hidden, narrow, outputs) = (widths[0], widths[1], widths[2])
        layers = [try Linear(inputs, hidden), try Linear(hidden, hidden), try Linear(hidden, narrow)]
        direction = try Parameter(shape: [outputs, narrow])
        length = try Parameter(shape: [outputs, 1], repeating: 1, isBuffer: true)
    }

    /// N,C to N,outputs.
    func callAsFunction(_ x: Tensor, _ pass: ForwardPass) throws -> Tensor {
        var h = x
        for layer in layers.dropLast() { h = try layer(h, pass, activation: .geluErf) }
        h = try layers[layers.count - 1](h, pass, result: .float32)
        let rows = try pass.normalisedLength(pass.value(of: direction))
        return try pass.matmul(
            pass.normalisedLength(h), pass.product(rows, perPixel: pass.value(of: length)), transposingB: true)
    }

    /// Becomes `share` of itself and the rest of `other`.
    func follow(_ other: ProjectionHead, share: Float) {
        var sources: [Parameter] = []
        other.forEachParameter("") { _, parameter in sources.append(parameter) }
        var index = 0
        forEachParameter("") { _, parameter in
            let source = sources[index].values
            index += 1
            parameter.update { own in
                for place in own.indices { own[place] = share * own[place] + (1 - share) * source[place] }
            }
        }
    }

    func forEachParameter(_ prefix: String, _ body: (String, Parameter) throws -> Void) rethrows {
        // The activations between have no parameters, but count in the reference's names.
        for (index, layer) in layers.enumerated() {
            try layer.forEachParameter(joinedName(prefix, "mlp.\(2 * index)"), body)
        }
        try body(joinedName(prefix, "last_layer.weight_g"), length)
        try body(joinedName(prefix, "last_layer.weight_v"), direction)
    }
}
