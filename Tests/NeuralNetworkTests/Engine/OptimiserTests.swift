import NeuralNetwork
import Testing

@Suite struct OptimiserTests {
    /// A parameter whose gradient is made by a linear layer: gradient = input.
    private func stepped(_ settings: OptimiserSettings, steps: Int) throws -> [Float] {
        let weight = try Parameter(shape: [1, 3])
        weight.set([1, -2, 0.5])
        let optimiser = Optimiser(settings, parameters: [weight])
        for step in 0..<steps {
            let tape = Tape()
            let x = try Tensor([0.5, -1, Float(step)], shape: [1, 3])
            let y = try ForwardPass(.training, recordingOn: tape).linear(x, weight: weight)
            try tape.backward(from: [(y, Tensor([1], shape: [1, 1]))])
            try optimiser.step()
        }
        return weight.values
    }

    private func expect(_ seen: [Float], _ wanted: [Float], sourceLocation: SourceLocation = #_sourceLocation) {
        for (a, b) in zip(seen, wanted) { #expect(abs(a - b) < 2e-6, sourceLocation: sourceLocation) }
    }

    // Expected numbers: torch.optim.SGD and AdamW on the same gradients (torch 2.13).
    @Test func sgd() throws {
        expect(try stepped(.sgd(rate: 0.1), steps: 3), [0.85, -1.7, 0.2])
        expect(
            try stepped(.sgd(rate: 0.1, momentum: 0.9, weightDecay: 0.01), steps: 3),
            [0.7141348, -1.42827, 0.1072974])
    }

    @Test func adamW() throws {
        expect(try stepped(.adamW(rate: 0.1, weightDecay: 0.05), steps: 3), [0.6865724, -1.671647, 0.3356386])
    }

    @Test func clippingScalesToTheNorm() throws {
        let weight = try Parameter(shape: [1, 2])
        let optimiser = Optimiser(.sgd(rate: 1), parameters: [weight])
        let tape = Tape()
        let y = try ForwardPass(.training, recordingOn: tape).linear(Tensor([3, 4], shape: [1, 2]), weight: weight)
        try tape.backward(from: [(y, Tensor([1], shape: [1, 1]))])
        #expect(optimiser.clipGradientNorm(to: 1) == 5)
        expect(try #require(weight.gradientValues), [0.6, 0.8])
        #expect(abs(optimiser.clipGradientNorm(to: 10) - 1) < 1e-5)
        try optimiser.step(rate: 0)
        #expect(weight.values == [0, 0])
        #expect(weight.gradientValues == nil)
    }
}
