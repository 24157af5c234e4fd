import NeuralNetwork
import Testing

/// The three products of a linear layer that is trained, over weights as they lie, against the sums themselves: at widths
/// that oneDNN computes and at those that are left to our own kernel.
@Suite struct TrainingProductTests {
    struct Layer: CustomTestStringConvertible, Sendable {
        var (rows, inputs, outputs): (Int, Int, Int)
        var testDescription: String { "\(rows)×\(inputs) to \(outputs)" }
    }

    /// Rows, inputs, outputs. Inputs of 2,560 and more, and no power of two, are wide; 2,570 fills no panel of columns, 97
    /// and 109 no panel of rows, and 300 inner numbers more than one block of them. Gradients of 512 inputs by more than
    /// 1,024 outputs are sums down rows that collide in the caches; those of 520 inputs are not.
    private static let layers = [
        (97, 2570, 109), (300, 2560, 96), (109, 3072, 300), (40, 2570, 33), (97, 2048, 96), (120, 96, 2570),
        (109, 512, 1100), (97, 520, 1100),
    ].map { Layer(rows: $0.0, inputs: $0.1, outputs: $0.2) }

    private struct Passed {
        var y, dx, dw, dwAfterTwo: [Float]
    }

    private static func pass(_ layer: Layer) throws -> Passed {
        let (rows, inputs, outputs) = (layer.rows, layer.inputs, layer.outputs)
        let weight = try Parameter.filled([outputs, inputs], seed: 1)
        let bias = try Parameter.filled([outputs], seed: 2)
        func gradient() throws -> (y: [Float], dx: [Float]) {
            let tape = Tape()
            let x = try Tensor(FiniteDifference.numbers(rows * inputs, seed: 3), shape: [rows, inputs])
            tape.watch(x)
            let y = try ForwardPass(.training, recordingOn: tape).linear(x, weight: weight, bias: bias)
            let dy = try Tensor(FiniteDifference.numbers(rows * outputs, seed: 4), shape: y.shape)
            try tape.backward(from: [(y, dy)])
            return (y.values, try #require(tape.gradient(of: x)).values)
        }
        weight.clearGradient()
        let (y, dx) = try gradient()
        let once = try #require(weight.gradientValues)
        // A second batch adds to the gradient of the first.
        _ = try gradient()
        return Passed(y: y, dx: dx, dw: once, dwAfterTwo: try #require(weight.gradientValues))
    }

    private static func expectClose(_ seen: [Float], _ wanted: [Double], of inner: Int) {
        // Sums of `inner` products of numbers within ±1.
        let limit = 2e-7 * Double(inner)
        #expect(seen.count == wanted.count)
        #expect(zip(seen, wanted).allSatisfy { abs(Double($0) - $1) <= limit })
    }

    @Test(arguments: layers) func equalTheSums(layer: Layer) throws {
        let (rows, inputs, outputs) = (layer.rows, layer.inputs, layer.outputs)
        let seen = try Self.pass(layer)
        let w = try Parameter.filled([outputs, inputs], seed: 1).values.map(Double.init)
        let bias = try Parameter.filled([outputs], seed: 2).values.map(Double.init)
        let x = FiniteDifference.numbers(rows * inputs, seed: 3).map(Double.init)
        let dy = FiniteDifference.numbers(rows * outputs, seed: 4).map(Double.init)
        var y = [Double](repeating: 0, count: rows * outputs)
        var dx = [Double](repeating: 0, count: rows * inputs)
        var dw = [Double](repeating: 0, count: outputs * inputs)
        for row in 0..<rows {
            for output in 0..<outputs {
                let g = dy[row * outputs + output]
                var sum = bias[output]
                for input in 0..<inputs {
                    sum += x[row * inputs + input] * w[output * inputs + input]
                    dx[row * inputs + input] += g * w[output * inputs + input]
                    dw[output * inputs + input] += g * x[row * inputs + input]
                }
                y[row * outputs + output] = sum
            }
        }
        Self.expectClose(seen.y, y, of: inputs)
        Self.expectClose(seen.dx, dx, of: outputs)
        Self.expectClose(seen.dw, dw, of: rows)
        Self.expectClose(seen.dwAfterTwo, dw.map { 2 * $0 }, of: 2 * rows)
    }

    /// The last bits do not depend on who computes which columns. Without AVX-512 the products are oneDNN's, which divides
    /// sums by threads there.
    @Test(
        .enabled(if: EngineSetup.instructionSet.contains("avx512"), "this processor has no AVX-512"),
        arguments: [Layer(rows: 109, inputs: 3072, outputs: 300), Layer(rows: 109, inputs: 512, outputs: 1100)])
    func areTheSameForAnyNumberOfThreads(layer: Layer) throws {
        let threads = ComputeThreads.current
        defer { ComputeThreads.set(threads) }
        var results: [Passed] = []
        for count in [1, 2, 5] {
            ComputeThreads.set(count)
            results.append(try Self.pass(layer))
        }
        #expect(results.allSatisfy { $0.dx == results[0].dx && $0.dw == results[0].dw })
    }
}
