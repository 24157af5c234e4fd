import NeuralNetwork
import Testing

/// Windows of feature maps and transposed convolutions: results by hand, gradients by finite differences.
@Suite struct WindowTests {
    /// A 2×3 map in windows of 2: the second window lacks its right column.
    @Test func windowsCoverTheMap() throws {
        let pass = ForwardPass(.evaluation)
        let x = try Tensor([1, 2, 3, 4, 5, 6], shape: [1, 2, 3, 1])
        let cut = try pass.windows(x, size: 2)
        #expect(cut.shape == [2, 4, 1])
        #expect(cut.values == [1, 2, 4, 5, 3, 0, 6, 0])
        let padded = try pass.windows(x, size: 2, padding: Tensor([9], shape: [1]))
        #expect(padded.values == [1, 2, 4, 5, 3, 9, 6, 9])
        #expect(try pass.unwindowed(padded, size: 2, shape: x.shape).values == x.values)
    }

    @Test(arguments: [[2, 7, 5, 3], [1, 4, 4, 2], [1, 9, 3, 1]]) func thereAndBack(shape: [Int]) throws {
        let pass = ForwardPass(.evaluation)
        let x = try Tensor(FiniteDifference.numbers(shape.reduce(1, *), seed: 4), shape: shape)
        let cut = try pass.windows(x, size: 4)
        #expect(try pass.unwindowed(cut, size: 4, shape: shape).values == x.values)
        // Every pixel is where its window and its place in it say.
        for (image, row, column) in [(0, 0, 0), (shape[0] - 1, shape[1] - 1, shape[2] - 1), (0, shape[1] - 1, 1)] {
            let across = (shape[2] + 3) / 4
            let window = (image * ((shape[1] + 3) / 4) + row / 4) * across + column / 4
            let place = ((window * 4 + row % 4) * 4 + column % 4) * shape[3]
            let pixel = ((image * shape[1] + row) * shape[2] + column) * shape[3]
            #expect(cut.values[place] == x.values[pixel])
        }
    }

    @Test func windowGradients() throws {
        try FiniteDifference.check(shape: [2, 5, 6, 3]) { x, pass in try pass.windows(x, size: 4) }
        try FiniteDifference.check(shape: [8, 9, 2]) { x, pass in
            try pass.unwindowed(x, size: 3, shape: [2, 6, 5, 2])
        }
        // The padding's gradient, as a parameter that reaches it through a linear layer.
        let weight = try Parameter.filled([3, 1], seed: 6)
        try FiniteDifference.check(shape: [1, 4, 3, 3], parameters: [weight]) { x, pass in
            let padding = try pass.linear(Tensor([2], shape: [1, 1]), weight: weight)
            return try pass.windows(x, size: 3, padding: padding)
        }
    }

    @Test func refusesWhatDoesNotFit() throws {
        let pass = ForwardPass(.evaluation)
        let x = try Tensor.zeros([1, 4, 4, 2])
        #expect(throws: EngineError.self) { try pass.windows(x, size: 0) }
        #expect(throws: EngineError.self) { try pass.windows(x, size: 2, padding: Tensor.zeros([3])) }
        #expect(throws: EngineError.self) { try pass.unwindowed(x, size: 3, shape: [1, 4, 4, 2]) }
        let odd = try Parameter.filled([3, 2, 2, 2], seed: 1)
        #expect(throws: EngineError.self) { try pass.transposedConvolution(x, weight: odd) }
    }

    /// Each pixel becomes a block: y[2i + a, 2j + b, o] = Σ x[i, j, c]·w[c, o, a, b] + bias[o].
    @Test func transposedConvolutionByItsDefinition() throws {
        let (h, w, inputs, outputs) = (2, 3, 4, 3)
        let weight = try Parameter.filled([inputs, outputs, 2, 2], seed: 2)
        let bias = try Parameter.filled([outputs], seed: 3)
        let x = try Tensor(FiniteDifference.numbers(2 * h * w * inputs, seed: 4), shape: [2, h, w, inputs])
        let y = try ForwardPass(.evaluation).transposedConvolution(x, weight: weight, bias: bias)
        #expect(y.shape == [2, 2 * h, 2 * w, outputs])
        let (numbers, weights, biases, seen) = (x.values, weight.values, bias.values, y.values)
        for n in 0..<2 {
            for row in 0..<2 * h {
                for column in 0..<2 * w {
                    for o in 0..<outputs {
                        var sum = biases[o]
                        for c in 0..<inputs {
                            sum +=
                                numbers[((n * h + row / 2) * w + column / 2) * inputs + c]
                                * weights[((c * outputs + o) * 2 + row % 2) * 2 + column % 2]
                        }
                        let place = ((n * 2 * h + row) * 2 * w + column) * outputs + o
                        #expect(abs(seen[place] - sum) < 1e-5)
                    }
                }
            }
        }
    }

    @Test func transposedConvolutionGradients() throws {
        let layer = try ConvTranspose2d(5, 3, side: 2)
        layer.forEachParameter("") { name, parameter in
            parameter.set(FiniteDifference.numbers(parameter.count, seed: name == "bias" ? 1 : 2))
        }
        try FiniteDifference.check(shape: [2, 3, 4, 5], parameters: layer.learnt) { x, pass in try layer(x, pass) }
    }
}
