import COneDNN

/// A 3×3 convolution, or the way of its gradient back to what it read, by 4×4 tiles (Winograd's minimal filtering): a
/// quarter of the multiplications, all of them in fp32. On maps of bf16 it is more exact than oneDNN's kernels, and faster too.
struct TiledConvolution {
    private let shape: nn_winograd
    private let isBiased: Bool
    private let goesBack: Bool

    /// Weights of each point must be read for each image: below so many tiles that costs more than it saves.
    private static let fewestTiles = 16

    /// Nil where the convolution is none of this kind, or too small to gain by it.
    init?(_ convolution: ConvolutionShape) {
        let (input, weights, geometry) = (convolution.input, convolution.weights, convolution.geometry)
        goesBack = convolution.pass == .backwardData
        // Back, what was made is read and what was read is made; the map has one size.
        let (outputs, inputs) = goesBack ? (weights[1], weights[0]) : (weights[0], weights[1])
        // In fp32 a recorded pass goes forward by the plain sum: tiles err by some 1e-6 of the largest number, which turns
        // a few ReLUs round, and the first layer's gradient was then 4e-3 from the reference's. Back there is nothing to turn.
        let isExact = convolution.pass == .training && convolution.precision == .float32
        guard nn_winograd_is_fast(convolution.precision == .bfloat16 ? 1 : 0) != 0, convolution.quantised == nil,
            convolution.pass != .backwardWeights, !isExact,
            weights[2] == 3, weights[3] == 3, outputs % 32 == 0, inputs % 16 == 0,
            geometry == ConvolutionGeometry(padding: 1),
            convolution.post == .none || convolution.post == .relu,
            ((input[1] + 3) / 4) * ((input[2] + 3) / 4) >= Self.fewestTiles
        else { return nil }
        shape = nn_winograd(
            n: Int64(input[0]), h: Int64(input[1]), w: Int64(input[2]), c: Int64(inputs), out_c: Int64(outputs),
            bf16: convolution.precision == .bfloat16 ? 1 : 0,
            result_bf16: convolution.resultPrecision == .bfloat16 ? 1 : 0,
            adds_destination: convolution.addsDestination ? 1 : 0, relu: convolution.post == .relu ? 1 : 0)
        isBiased = convolution.hasBias
    }

    /// False where there are no plain weights any more to make those of the tiles from.
    func run(_ weights: LayerWeights, source: UnsafeRawPointer, result: UnsafeMutableRawPointer) throws -> Bool {
        guard
            let packed = try weights.packed.tiled(
                weights.plain, version: weights.version, channels: shape.c, outputs: shape.out_c, back: goesBack)
        else { return false }
        try withUnsafePointer(to: shape) { shape in
            let scratch = try PooledMemory(bytes: nn_winograd_scratch_bytes(shape))
            withExtendedLifetime((packed, scratch)) {
                nn_winograd_run(
                    shape, source, packed.floats,
                    isBiased ? weights.bias?.assumingMemoryBound(to: Float.self) : nil, result, scratch.base)
            }
        }
        return true
    }
}
