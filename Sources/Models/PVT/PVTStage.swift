import NeuralNetwork

/// Overlapping patches of an image or of the stage before, brought to one token each; then blocks, then a norm.
final class PVTStage: Module {
    let embedding: Conv2d
    let embeddingNorm: LayerNorm
    let blocks: [PVTBlock]
    let norm: LayerNorm

    init(inputs: Int, kernel: Int, stride: Int, width: Int, blocks: [PVTBlock]) throws {
        embedding = try Conv2d(
            inputs, width, kernel: kernel, geometry: ConvolutionGeometry(stride: stride, padding: kernel / 2),
            hasBias: true)
        embeddingNorm = try LayerNorm(width, epsilon: 1e-5)
        self.blocks = blocks
        norm = try LayerNorm(width, epsilon: 1e-6)
    }

    /// N,H,W,inputs to N,H/stride,W/stride,width.
    func callAsFunction(_ x: Tensor, _ pass: ForwardPass) throws -> Tensor {
        var y = try embeddingNorm(embedding(x, pass), pass)
        for block in blocks { y = try block(y, pass) }
        return try norm(y, pass)
    }

    /// The reference numbers the parts of a stage, not the stages: `number` goes into each part's name.
    func forEachParameter(
        _ prefix: String, number: Int, _ body: (String, Parameter) throws -> Void
    ) rethrows {
        try embedding.forEachParameter(joinedName(prefix, "patch_embed\(number).proj"), body)
        try embeddingNorm.forEachParameter(joinedName(prefix, "patch_embed\(number).norm"), body)
        for (index, block) in blocks.enumerated() {
            try block.forEachParameter(joinedName(prefix, "block\(number).\(index)"), body)
        }
        try norm.forEachParameter(joinedName(prefix, "norm\(number)"), body)
    }

    func forEachParameter(_ prefix: String, _ body: (String, Parameter) throws -> Void) rethrows {
        try forEachParameter(prefix, number: 1, body)
    }
}
