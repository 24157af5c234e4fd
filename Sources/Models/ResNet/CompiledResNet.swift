import NeuralNetwork

/// A residual network for inference: batch normalisation folded, bias, residual and ReLU fused, weights packed once
/// and shared by threads, fp32 or bf16. Immutable.
package final class CompiledResNet: Sendable {
    private struct Block: Sendable {
        let convolutions: [CompiledConvolution]
        let projection: CompiledConvolution?
    }

    package let features: Int
    package let precision: Precision
    private let stem: CompiledConvolution
    private let layers: [[Block]]
    private let classifier: CompiledLinear?

    /// A copy of the network's parameters as they are now.
    ///
    /// Throws `EngineError.unsupported` for bf16 on a processor without it: it would be slower than fp32 there.
    package init(_ network: ResNet, precision: Precision) throws {
        guard precision == .float32 || EngineSetup.hasBFloat16 else {
            throw EngineError(
                .unsupported, "this processor (\(EngineSetup.instructionSet)) does not multiply bf16: use float32")
        }
        features = network.kind.features
        self.precision = precision
        stem = CompiledConvolution(network.stemConvolution, network.stemNorm, precision: precision)
        layers = network.layers.map { blocks in
            blocks.map { block in
                Block(
                    convolutions: zip(block.convolutions, block.norms).map {
                        CompiledConvolution($0, $1, precision: precision)
                    },
                    projection: block.projection.map {
                        CompiledConvolution($0.convolution, $0.norm, precision: precision)
                    })
            }
        }
        classifier = network.classifier.map { CompiledLinear($0, precision: precision, resultPrecision: .float32) }
    }

    /// Features of `images` (N,H,W,3), N × `features` numbers. `watch` sees the stem's output (0) and that of each
    /// layer (1 … 4) while they exist.
    package func callAsFunction(
        _ images: Activation, watch: (Int, Activation) throws -> Void = { _, _ in }
    ) throws -> [Float] {
        var x = try stem(images, relu: true).maxPooled(kernel: 3, stride: 2, padding: 1)
        try watch(0, x)
        for (index, blocks) in layers.enumerated() {
            for block in blocks { x = try Self.run(block, x) }
            try watch(index + 1, x)
        }
        return try x.meanPooled()
    }

    /// Logits of features; nil without a classifier.
    package func logits(_ features: [Float]) throws -> [Float]? {
        let rows = features.count / self.features
        return try classifier?(Activation(features, shape: [rows, self.features], precision: precision)).values
    }

    private static func run(_ block: Block, _ x: Activation) throws -> Activation {
        // The block's input is not needed once its first convolution has read it: the sum may take its place.
        let residual = try block.projection?(x, relu: false) ?? x
        var y = x
        for convolution in block.convolutions.dropLast() { y = try convolution(y, relu: true) }
        guard let last = block.convolutions.last else { return y }
        return try last(y, overwriting: residual, relu: true)
    }
}
