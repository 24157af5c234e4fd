import NeuralNetwork
import Testing

/// A convolution with its normalisation, recorded in bf16, against the same in fp32: what it makes and every gradient.
@Suite struct MixedPrecisionBlockTests {
    struct Block: CustomTestStringConvertible, Sendable {
        var shape: [Int]
        var outputs: Int
        var kernel = 3
        var stride = 1
        var adds = false

        var testDescription: String { "\(shape) to \(outputs), \(kernel)×\(kernel)/\(stride)\(adds ? ", residual" : "")" }
    }

    /// Made, and the gradients of the input, the residual, the weights, and the normalisation's weight and bias.
    private static func run(_ block: Block, _ precision: Precision) throws -> [[Float]] {
        let geometry = ConvolutionGeometry(stride: block.stride, padding: block.kernel / 2)
        let convolution = try Conv2d(block.shape[3], block.outputs, kernel: block.kernel, geometry: geometry)
        let norm = try BatchNorm(block.outputs)
        convolution.weight.set(FiniteDifference.numbers(convolution.weight.count, seed: 1).map { $0 / 8 })
        norm.weight.set(FiniteDifference.numbers(block.outputs, seed: 2).map { 1 + $0 / 4 })
        norm.bias.set(FiniteDifference.numbers(block.outputs, seed: 3))
        let made = [
            block.shape[0], geometry.outputExtent(block.shape[1], kernel: block.kernel),
            geometry.outputExtent(block.shape[2], kernel: block.kernel), block.outputs,
        ]
        let count = made.reduce(1, *)
        let x = try Tensor(FiniteDifference.numbers(block.shape.reduce(1, *), seed: 4), shape: block.shape)
        let addend = block.adds ? try Tensor(FiniteDifference.numbers(count, seed: 5), shape: made) : nil
        let tape = Tape()
        tape.watch(x)
        if let addend { tape.watch(addend) }
        let pass = ForwardPass(.training, recordingOn: tape, precision: precision)
        let y = try convolution(x, pass, norm: norm, activation: .relu, adding: addend)
        try tape.backward(from: [(y, Tensor(FiniteDifference.numbers(count, seed: 6), shape: made))])
        var seen = [y.values, try #require(tape.gradient(of: x)).values]
        if let addend { seen.append(try #require(tape.gradient(of: addend)).values) }
        for parameter in [convolution.weight, norm.weight, norm.bias] { seen.append(try #require(parameter.gradientValues)) }
        return seen
    }

    /// Maps large enough for tiles and too small for them, strides, a projection, one with a residual.
    @Test(
        .enabled(if: EngineSetup.hasBFloat16),
        arguments: [
            Block(shape: [4, 24, 24, 64], outputs: 64), Block(shape: [4, 24, 24, 64], outputs: 64, adds: true),
            Block(shape: [4, 24, 24, 64], outputs: 128, stride: 2), Block(shape: [8, 6, 6, 128], outputs: 256),
            Block(shape: [4, 12, 12, 64], outputs: 128, kernel: 1, stride: 2), Block(shape: [8, 3, 3, 64], outputs: 64, adds: true),
        ])
    func followsFullPrecision(_ block: Block) throws {
        let names = ["result", "input"] + (block.adds ? ["residual"] : []) + ["weights", "norm.weight", "norm.bias"]
        for (name, (seen, wanted)) in zip(names, zip(try Self.run(block, .bfloat16), try Self.run(block, .float32))) {
            var (difference, size) = (0.0, 0.0)
            for (a, b) in zip(seen, wanted) {
                difference += Double(a - b) * Double(a - b)
                size += Double(b) * Double(b)
            }
            // Numbers of 8 bits, and few ReLUs turned round: what is wrong in kind is wrong by more.
            #expect(size > 0 && (difference / size).squareRoot() < 0.06, "\(name)")
        }
    }
}
