import NeuralNetwork

/// Pyramid Vision Transformer v2 without its classifier. Names are the reference's.
public final class PVT: Module {
    public let size: PVTSize
    let stages: [PVTStage]

    /// Starts as the reference does: linear layers N(0, 0.02), convolutions N(0, √(2/fan out)), biases zero.
    /// Without a seed everything learnt starts at zero or one, for who loads parameters. `dropPath`: the probability of leaving out a branch of the last block; it grows from zero at the first.
    public init(_ size: PVTSize, dropPath: Float = 0.1, seed: UInt64?) throws {
        guard (0..<1).contains(dropPath) else {
            throw EngineError(.invalidOption, "drop path \(dropPath): give a probability in [0, 1)")
        }
        self.size = size
        let last = Float(size.depths.reduce(0, +) - 1)
        var block = 0
        stages = try size.widths.enumerated().map { stage, width in
            let blocks = try (0..<size.depths[stage]).map { _ in
                defer { block += 1 }
                return try PVTBlock(
                    width: width, heads: PVTSize.heads[stage], reduction: PVTSize.reductions[stage],
                    expansion: size.expansions[stage], dropPath: dropPath * Float(block) / last)
            }
            return try PVTStage(
                inputs: stage == 0 ? 3 : size.widths[stage - 1], kernel: stage == 0 ? 7 : 3,
                stride: stage == 0 ? 4 : 2, width: width, blocks: blocks)
        }
        guard let seed else { return }
        forEachParameter("") { name, parameter in
            let shape = parameter.shape
            if shape.count == 2 { Initialisation.normal(parameter, deviation: 0.02, seed: seed, name: name) }
            if shape.count == 4 {
                // A depthwise kernel's one output has its area for a fan.
                let fan = shape[2] * shape[3] * (shape[1] == 1 ? 1 : shape[0])
                let deviation = (2 / Double(fan)).squareRoot()
                Initialisation.normal(parameter, deviation: deviation, seed: seed, name: name)
            }
        }
    }

    /// What the four stages give for N,H,W,3: maps of a quarter, an eighth, a sixteenth and a thirty-second of the sides.
    /// The sides are multiples of 32.
    public func callAsFunction(_ images: Tensor, _ pass: ForwardPass) throws -> [Tensor] {
        guard images.shape.count == 4, images.shape[3] == 3, images.count > 0, images.shape[1] % 32 == 0,
            images.shape[2] % 32 == 0
        else {
            throw EngineError(
                .shapeMismatch, "a pyramid transformer reads N,H,W,3 with sides divisible by 32, not \(images.shape)")
        }
        var outputs: [Tensor] = []
        for stage in stages { outputs.append(try stage(outputs.last ?? images, pass)) }
        return outputs
    }

    /// Takes over a file of the reference's ImageNet training; its classifier (`head.weight`, `head.bias`) is left out.
    ///
    /// Throws as `load(_:)`.
    public func loadPretrained(_ set: ParameterSet) throws {
        try load(ParameterSet(entries: set.entries.filter { !$0.name.hasPrefix("head.") }))
    }

    public func forEachParameter(_ prefix: String, _ body: (String, Parameter) throws -> Void) rethrows {
        for (index, stage) in stages.enumerated() { try stage.forEachParameter(prefix, number: index + 1, body) }
    }
}
