import NeuralNetwork

/// MobileSAM's image encoder: a TinyViT-5m whose last stages keep their resolution, and a neck.
///
/// In bf16 the wide products and attention are bf16; convolutions of single channels, the last merging, the neck and what
/// is handed from block to block stay fp32. They cost little, and the masks of single points, which follow the
/// embedding's smallest errors, need them to stay within 2 %.
package final class TinyViT: Module {
    package let configuration: TinyViTConfiguration
    private let stem: [NormalisedConvolution]
    private let bottlenecks: [InvertedBottleneck]
    /// Blocks of the second stage and on.
    private let stages: [[TinyViTBlock]]
    private let mergings: [PatchMerging]
    private let neck: EncoderNeck

    package init(_ configuration: TinyViTConfiguration = TinyViTConfiguration()) throws {
        self.configuration = configuration
        let widths = configuration.widths
        stem = [
            try NormalisedConvolution(3, widths[0] / 2, kernel: 3, stride: 2),
            try NormalisedConvolution(widths[0] / 2, widths[0], kernel: 3, stride: 2),
        ]
        bottlenecks = try (0..<configuration.depths[0]).map { _ in try InvertedBottleneck(widths[0]) }
        stages = try widths.indices.dropFirst().map { stage in
            try (0..<configuration.depths[stage]).map { _ in
                try TinyViTBlock(
                    widths[stage], heads: configuration.heads[stage], window: configuration.windows[stage])
            }
        }
        mergings = try configuration.strides.enumerated().map { stage, stride in
            try PatchMerging(widths[stage], widths[stage + 1], stride: stride)
        }
        neck = try EncoderNeck(widths[widths.count - 1], configuration.outputs)
    }

    /// Images N, side, side, 3 to embeddings N, grid, grid, outputs.
    package func callAsFunction(_ images: Tensor, _ pass: ForwardPass) throws -> Tensor {
        var x = try stem[1](stem[0](images, pass, activation: .geluErf), pass)
        for bottleneck in bottlenecks { x = try bottleneck(x, pass) }
        for (merging, blocks) in zip(mergings, stages) {
            // Where the map keeps its size the merging is small enough for fp32.
            x = try merging(x, merging.stride == 1 ? pass.exact : pass)
            for block in blocks { x = try block(x, pass) }
        }
        return try neck(x, pass.exact)
    }

    /// Nothing: all its weights together are smaller than one of its feature maps.
    package func keepOnlyPacked(precision: Precision, _ quantised: QuantisedNetwork?) {}

    package func forEachParameter(_ prefix: String, _ body: (String, Parameter) throws -> Void) rethrows {
        for (index, convolution) in stem.enumerated() {
            try convolution.forEachParameter(joinedName(prefix, "patch_embed.seq.\(2 * index)"), body)
        }
        for stage in 0...stages.count {
            let name = joinedName(prefix, "layers.\(stage)")
            if stage == 0 {
                for (index, block) in bottlenecks.enumerated() {
                    try block.forEachParameter(joinedName(name, "blocks.\(index)"), body)
                }
            } else {
                for (index, block) in stages[stage - 1].enumerated() {
                    try block.forEachParameter(joinedName(name, "blocks.\(index)"), body)
                }
            }
            if stage < mergings.count {
                try mergings[stage].forEachParameter(joinedName(name, "downsample"), body)
            }
        }
        try neck.forEachParameter(joinedName(prefix, "neck"), body)
    }
}
