import NeuralNetwork
import Testing

/// The fused MLP against the layers that it is made of, and its gradients against finite differences.
@Suite struct DepthwiseMLPTests {
    private struct Layers {
        let widening: Linear
        let depthwise: Conv2d
        let narrowing: Linear

        init(_ inputs: Int, _ hidden: Int, _ outputs: Int) throws {
            widening = try Linear(inputs, hidden)
            narrowing = try Linear(hidden, outputs)
            depthwise = try Conv2d(
                hidden, hidden, kernel: 3, geometry: ConvolutionGeometry(padding: 1, groups: hidden), hasBias: true)
            for (seed, parameter) in parameters.enumerated() {
                parameter.set(FiniteDifference.numbers(parameter.count, seed: UInt64(seed + 70)))
            }
        }

        var parameters: [Parameter] { widening.learnt + depthwise.learnt + narrowing.learnt }

        func fused(_ x: Tensor, _ pass: ForwardPass, adding: Tensor? = nil) throws -> Tensor {
            try pass.depthwiseMLP(x, widening: widening, depthwise: depthwise, narrowing: narrowing, adding: adding)
        }

        func stepByStep(_ x: Tensor, _ pass: ForwardPass, adding: Tensor? = nil) throws -> Tensor {
            let hidden = try depthwise(widening(x, pass), pass, norm: nil, activation: .geluErf)
            return try narrowing(hidden, pass, adding: adding)
        }
    }

    private func distance(_ a: [Float], _ b: [Float]) -> Float {
        let apart = zip(a, b).reduce(Float(0)) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
        return (apart / b.reduce(Float(0)) { $0 + $1 * $1 }).squareRoot()
    }

    /// Small images several at a time, and one of so many rows that it is done by strips (the last strip of one row).
    @Test(arguments: [(3, 5, 4, 32), (1, 1, 1, 16), (2, 97, 24, 512), (1, 34, 23, 1024)])
    func inferenceIsTheLayersInARow(images: Int, height: Int, width: Int, hidden: Int) throws {
        let layers = try Layers(8, hidden, 8)
        let shape = [images, height, width, 8]
        let x = try Tensor(FiniteDifference.numbers(shape.reduce(1, *), seed: 3), shape: shape)
        let residual = try Tensor(FiniteDifference.numbers(shape.reduce(1, *), seed: 4), shape: shape)
        for precision in Precision.allCases where precision == .float32 || EngineSetup.hasBFloat16 {
            let pass = ForwardPass(.evaluation, precision: precision)
            let expected = try layers.stepByStep(x, ForwardPass(.training), adding: residual).values
            let seen = try layers.fused(x, pass, adding: residual)
            #expect(seen.shape == shape)
            #expect(distance(seen.values, expected) < (precision == .float32 ? 2e-6 : 1e-2))
        }
    }

    @Test func gradients() throws {
        let layers = try Layers(3, 16, 5)
        try FiniteDifference.check(shape: [2, 4, 3, 3], parameters: layers.parameters, step: 3e-3) { x, pass in
            try layers.fused(pass.tanh(x), pass)
        }
        let square = try Layers(4, 32, 4)
        try FiniteDifference.check(shape: [1, 3, 5, 4], parameters: square.parameters, step: 3e-3) { x, pass in
            try square.fused(x, pass, adding: x)
        }
    }

    /// Images are worked on in blocks: all gradients are those of the layers in a row, in either precision.
    @Test func gradientsOfManyImages() throws {
        let layers = try Layers(16, 512, 16)
        let shape = [3, 90, 88, 16]
        let numbers = FiniteDifference.numbers(shape.reduce(1, *), seed: 6)
        let roots = FiniteDifference.numbers(shape.reduce(1, *), seed: 7)
        func run(_ precision: Precision, _ function: (Tensor, ForwardPass) throws -> Tensor) throws -> [[Float]] {
            for parameter in layers.parameters { parameter.clearGradient() }
            let tape = Tape()
            let x = try Tensor(numbers, shape: shape)
            tape.watch(x)
            let y = try function(x, ForwardPass(.training, recordingOn: tape, precision: precision))
            try tape.backward(from: [(y, Tensor(roots, shape: shape))])
            return try [y.values, #require(tape.gradient(of: x)).values] + layers.parameters.map { try #require($0.gradientValues) }
        }
        let expected = try run(.float32) { try layers.stepByStep($0, $1) }
        for (seen, wanted) in try zip(run(.float32) { try layers.fused($0, $1) }, expected) {
            #expect(distance(seen, wanted) < 2e-5)
        }
        guard EngineSetup.hasBFloat16 else { try Test.cancel("the processor does not multiply bf16: only fp32 was checked") }
        for (seen, wanted) in try zip(run(.bfloat16) { try layers.fused($0, $1) }, expected) {
            #expect(distance(seen, wanted) < 2e-2)
        }
    }

    @Test func refusesOtherLayers() throws {
        let layers = try Layers(3, 16, 5)
        let pass = ForwardPass(.evaluation)
        #expect(throws: EngineError.self) { try layers.fused(Tensor.zeros([1, 2, 2, 4]), pass) }
        #expect(throws: EngineError.self) { try layers.fused(Tensor.zeros([4, 3]), pass) }
        let x = try Tensor.zeros([1, 2, 2, 3])
        #expect(throws: EngineError.self) { try layers.fused(x, pass, adding: x) }
        let odd = try Layers(3, 24, 5)
        #expect(throws: EngineError.self) { try odd.fused(x, pass) }
    }

    /// GELU in bf16 is a polynomial: it must be right far from zero too, where the polynomial itself is not.
    @Test(.enabled(if: EngineSetup.hasBFloat16, "the processor has no bf16")) func activationsFarFromZero() throws {
        let layers = try Layers(16, 16, 16)
        for parameter in layers.parameters { parameter.set([Float](repeating: 0, count: parameter.count)) }
        let identity = (0..<256).map { Float($0 % 17 == 0 ? 1 : 0) }
        layers.widening.weight.set(identity)
        layers.narrowing.weight.set(identity)
        layers.depthwise.weight.set((0..<16 * 9).map { $0 % 9 == 4 ? 1 : 0 })
        let numbers: [Float] = [-300, -20, -6, -4.25, -4, -3, -2, -1, 0, 0.01, 1, 2, 3, 4.5, 20, 300]
        let exact: [Float] = [
            0, 0, 0, -0.0000454, -0.000127, -0.00405, -0.0455, -0.15866, 0, 0.00504, 0.84134, 1.9545, 2.99595, 4.5, 20, 300,
        ]
        let x = try Tensor(numbers, shape: [1, 1, 1, 16])
        for (precision, absolute, relative) in [(Precision.float32, Float(2e-6), Float(5e-6)), (.bfloat16, 1e-4, 5e-3)] {
            let seen = try layers.fused(x, ForwardPass(.evaluation, precision: precision)).values
            for (index, number) in numbers.enumerated() {
                let limit = absolute + relative * abs(exact[index]) + 5e-6 * abs(number)
                #expect(abs(seen[index] - exact[index]) <= limit, "\(precision) GELU of \(number)")
            }
        }
    }
}
