import NeuralNetwork
import Testing

/// Convolutions of the sizes that ResNet-18 has, whose weights and gradients go through the layouts of oneDNN's kernels:
/// what they make and every gradient, against the sums themselves.
@Suite struct ConvolutionLayoutTests {
    struct Layer: CustomTestStringConvertible, Sendable {
        var (inputs, outputs, kernel, stride, side): (Int, Int, Int, Int, Int)
        var testDescription: String { "\(inputs) to \(outputs), \(kernel)×\(kernel)/\(stride) at \(side)" }
    }

    private static let layers = [
        (3, 64, 7, 2, 40), (64, 64, 3, 1, 24), (64, 128, 3, 2, 16), (128, 128, 3, 1, 8), (64, 128, 1, 2, 16),
        (256, 256, 3, 1, 6), (256, 512, 3, 2, 6), (512, 512, 3, 1, 3), (256, 512, 1, 2, 6),
    ].map { Layer(inputs: $0.0, outputs: $0.1, kernel: $0.2, stride: $0.3, side: $0.4) }

    /// What is made, the gradient of the weights and that of the input.
    private static func sums(
        _ layer: Layer, _ x: [Float], _ weights: [Float], _ gradient: [Float], images: Int, made: Int
    ) -> [[Float]] {
        let (c, o, k) = (layer.inputs, layer.outputs, layer.kernel)
        // Place in the kernel, input, output: the innermost loops then run over neighbours.
        var kernels = weights
        for a in 0..<o {
            for b in 0..<c { for t in 0..<k * k { kernels[(t * c + b) * o + a] = weights[(a * c + b) * k * k + t] } }
        }
        var y = [Float](repeating: 0, count: gradient.count)
        var (dKernels, dx) = ([Float](repeating: 0, count: weights.count), [Float](repeating: 0, count: x.count))
        for place in 0..<images * made * made {
            let (image, row, column) = (place / (made * made), place / made % made, place % made)
            for t in 0..<k * k {
                let (top, left) = (row * layer.stride + t / k - k / 2, column * layer.stride + t % k - k / 2)
                guard (0..<layer.side).contains(top), (0..<layer.side).contains(left) else { continue }
                let from = ((image * layer.side + top) * layer.side + left) * c
                for b in 0..<c {
                    let (value, base) = (x[from + b], (t * c + b) * o)
                    var sum: Float = 0
                    for a in 0..<o {
                        y[place * o + a] += value * kernels[base + a]
                        dKernels[base + a] += value * gradient[place * o + a]
                        sum += gradient[place * o + a] * kernels[base + a]
                    }
                    dx[from + b] += sum
                }
            }
        }
        var dWeights = weights
        for a in 0..<o {
            for b in 0..<c { for t in 0..<k * k { dWeights[(a * c + b) * k * k + t] = dKernels[(t * c + b) * o + a] } }
        }
        return [y, dWeights, dx]
    }

    @Test(arguments: layers, Precision.allCases)
    func equalsTheSums(layer: Layer, precision: Precision) throws {
        guard precision == .float32 || EngineSetup.hasBFloat16 else { try Test.cancel("the processor does not multiply bf16") }
        let geometry = ConvolutionGeometry(stride: layer.stride, padding: layer.kernel / 2)
        let convolution = try Conv2d(layer.inputs, layer.outputs, kernel: layer.kernel, geometry: geometry)
        let (images, made) = (2, geometry.outputExtent(layer.side, kernel: layer.kernel))
        let weights = FiniteDifference.numbers(convolution.weight.count, seed: 1).map { $0 / 8 }
        convolution.weight.set(weights)
        let numbers = FiniteDifference.numbers(images * layer.side * layer.side * layer.inputs, seed: 2)
        let x = try Tensor(numbers, shape: [images, layer.side, layer.side, layer.inputs])
        let gradient = FiniteDifference.numbers(images * made * made * layer.outputs, seed: 3)
        let tape = Tape()
        tape.watch(x)
        let y = try convolution(x, ForwardPass(.training, recordingOn: tape, precision: precision))
        try tape.backward(from: [(y, Tensor(gradient, shape: y.shape))])

        let wanted = Self.sums(layer, numbers, weights, gradient, images: images, made: made)
        let seen = [
            y.values, try #require(convolution.weight.gradientValues), try #require(tape.gradient(of: x)).values,
        ]
        for (name, (a, b)) in zip(["result", "weights", "input"], zip(seen, wanted)) {
            var (difference, size) = (0.0, 0.0)
            for (one, other) in zip(a, b) {
                difference += Double(one - other) * Double(one - other)
                size += Double(other) * Double(other)
            }
            #expect(size > 0 && (difference / size).squareRoot() < (precision == .float32 ? 1e-5 : 4e-3), "\(name)")
        }
    }
}
