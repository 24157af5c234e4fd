import NeuralNetwork
import Testing

/// Each operation's backward pass against finite differences.
@Suite struct GradientTests {
    @Test(arguments: [
        (kernel: 3, geometry: ConvolutionGeometry(padding: 1)),
        (kernel: 3, geometry: ConvolutionGeometry(stride: 2, padding: 1)),
        (kernel: 1, geometry: ConvolutionGeometry(stride: 2)),
        (kernel: 7, geometry: ConvolutionGeometry(stride: 2, padding: 3)),
        (kernel: 3, geometry: ConvolutionGeometry(padding: 2, dilation: 2)),
        (kernel: 3, geometry: ConvolutionGeometry(padding: 1, groups: 4)),
    ])
    func convolution(kernel: Int, geometry: ConvolutionGeometry) throws {
        let weight = try Parameter.filled([8, 4 / geometry.groups, kernel, kernel], seed: 11)
        let bias = try Parameter.filled([8], seed: 12)
        try FiniteDifference.check(shape: [2, 9, 10, 4], parameters: [weight, bias]) { x, pass in
            try pass.convolution(x, weight: weight, bias: bias, geometry: geometry)
        }
    }

    @Test func linear() throws {
        let weight = try Parameter.filled([5, 7], seed: 21)
        let bias = try Parameter.filled([5], seed: 22)
        try FiniteDifference.check(shape: [6, 7], parameters: [weight, bias]) { x, pass in
            try pass.linear(x, weight: weight, bias: bias)
        }
    }

    @Test func matmulOfOneTensorWithItself() throws {
        try FiniteDifference.check(shape: [4, 6]) { x, pass in try pass.matmul(x, x, transposingB: true) }
    }

    @Test func matmul() throws {
        let weight = try Parameter.filled([4, 3], seed: 23)
        try FiniteDifference.check(shape: [3, 5], parameters: [weight]) { x, pass in
            // A row of learnt numbers times x, so that both sides carry gradients.
            let left = try pass.linear(Tensor([1, 0, 0, 0, 1, 0, 0, 0, 1], shape: [3, 3]), weight: weight)
            return try pass.matmul(pass.reshaped(left, to: [4, 3]), x)
        }
    }

    @Test(arguments: [(true, true), (true, false), (false, true), (false, false)])
    func batchNormalisation(relu: Bool, residual: Bool) throws {
        let norm = try BatchNorm(6)
        norm.weight.set(FiniteDifference.numbers(6, seed: 31))
        norm.bias.set(FiniteDifference.numbers(6, seed: 32))
        let projection = try Parameter.filled([6, 6], seed: 33)
        // A ReLU's kink is crossed by some of the 300 outputs: hence smaller steps and a wider tolerance.
        try FiniteDifference.check(
            shape: [5, 3, 4, 6], parameters: [norm.weight, norm.bias] + (residual ? [projection] : []),
            step: relu ? 1e-3 : 1e-2, tolerance: relu ? 5e-2 : 1e-2
        ) { x, pass in
            try norm(x, pass, adding: residual ? pass.linear(x, weight: projection) : nil, relu: relu)
        }
    }

    @Test func frozenBatchNormalisation() throws {
        let norm = try BatchNorm(6)
        norm.weight.set(FiniteDifference.numbers(6, seed: 34))
        norm.runningMean.set(FiniteDifference.numbers(6, seed: 35))
        norm.runningVariance.set([0.5, 1, 1.5, 2, 0.7, 0.9])
        norm.isFrozen = true
        try FiniteDifference.check(shape: [7, 6], parameters: [norm.weight, norm.bias]) { x, pass in try norm(x, pass) }
    }

    @Test func elementwise() throws {
        try FiniteDifference.check(shape: [5, 9]) { x, pass in try pass.relu(x) }
        try FiniteDifference.check(shape: [5, 9]) { x, pass in try pass.tanh(x) }
        try FiniteDifference.check(shape: [5, 9]) { x, pass in try pass.scaled(x, by: -2.5) }
        try FiniteDifference.check(shape: [5, 9]) { x, pass in try pass.softmax(x) }
        try FiniteDifference.check(shape: [5, 9]) { x, pass in try pass.dropout(x, probability: 0.4) }
        try FiniteDifference.check(shape: [5, 9]) { x, pass in try pass.gathered(x, rows: [3, 0, 3]) }
        try FiniteDifference.check(shape: [5, 9]) { x, pass in try pass.reshaped(x, to: [9, 5]) }
    }

    @Test func pooling() throws {
        // Steps smaller than half the smallest gap between neighbours move no maximum.
        try FiniteDifference.check(shape: [2, 7, 6, 5], step: 1e-4, tolerance: 3e-2) { x, pass in
            try pass.maxPool(x, kernel: 3, stride: 2, padding: 1)
        }
        try FiniteDifference.check(shape: [2, 7, 6, 5]) { x, pass in try pass.globalAveragePool(x) }
    }

    /// A tensor used three times gets the sum of three gradients, and gradients of parameters add up over passes.
    @Test func gradientsAddUp() throws {
        let tape = Tape()
        let x = try Tensor([1, -2, 3], shape: [1, 3])
        tape.watch(x)
        let pass = ForwardPass(.training, recordingOn: tape)
        let parts = try [pass.scaled(x, by: 2), pass.scaled(x, by: 3), pass.relu(x)]
        let one = try Tensor([1, 1, 1], shape: [1, 3])
        try tape.backward(from: parts.map { ($0, one) })
        #expect(tape.gradient(of: x)?.values == [6, 5, 6])

        let weight = try Parameter.filled([2, 3], seed: 41)
        for _ in 0..<2 {
            let tape = Tape()
            let y = try ForwardPass(.training, recordingOn: tape).linear(x, weight: weight)
            try tape.backward(from: [(y, Tensor([1, 10], shape: [1, 2]))])
        }
        #expect(weight.gradientValues == [2, -4, 6, 20, -40, 60])
    }

    @Test func crossEntropy() throws {
        let logits = FiniteDifference.numbers(12, seed: 51)
        let classes = [0, 3, 2]
        let loss = try Loss.crossEntropy(Tensor(logits, shape: [3, 4]), classes: classes)
        let gradient = loss.gradient.values
        for index in logits.indices {
            var (above, below) = (logits, logits)
            above[index] += 1e-2
            below[index] -= 1e-2
            let difference =
                try Loss.crossEntropy(Tensor(above, shape: [3, 4]), classes: classes).value
                - Loss.crossEntropy(Tensor(below, shape: [3, 4]), classes: classes).value
            #expect(abs(gradient[index] - difference / 2e-2) < 1e-3)
        }
        #expect(throws: EngineError.self) { try Loss.crossEntropy(Tensor(logits, shape: [3, 4]), classes: [0, 1, 4]) }
    }
}

extension GradientTests {
    /// In bf16 the three products of a convolution are those of fp32, to the 8 bits of its fractions.
    @Test(.enabled(if: EngineSetup.hasBFloat16, "the processor has no bf16"))
    func convolutionInBFloat16() throws {
        let weight = try Parameter.filled([32, 16, 3, 3], seed: 61)
        let x = FiniteDifference.numbers(2 * 9 * 10 * 16, seed: 62)
        func run(_ precision: Precision) throws -> [[Float]] {
            weight.clearGradient()
            let tape = Tape()
            let input = try Tensor(x, shape: [2, 9, 10, 16])
            tape.watch(input)
            let pass = ForwardPass(.training, recordingOn: tape, precision: precision)
            let y = try pass.convolution(input, weight: weight, geometry: ConvolutionGeometry(stride: 2, padding: 1))
            try tape.backward(from: [(y, Tensor(FiniteDifference.numbers(y.count, seed: 63), shape: y.shape))])
            return try [y.values, #require(tape.gradient(of: input)).values, #require(weight.gradientValues)]
        }
        for (full, half) in try zip(run(.float32), run(.bfloat16)) {
            let apart = zip(full, half).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
            let size = full.reduce(0) { $0 + $1 * $1 }
            #expect(apart > 0)
            #expect((apart / size).squareRoot() < 1e-2)
        }
    }
}
