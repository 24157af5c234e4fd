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
        #expect(optimiser.gradientNorm() == 5)
        optimiser.scaleGradients(ofNorm: 5, to: 1)
        expect(try #require(weight.gradientValues), [0.6, 0.8])
        let norm = optimiser.gradientNorm()
        #expect(abs(norm - 1) < 1e-5)
        optimiser.scaleGradients(ofNorm: norm, to: 10)
        try optimiser.step(rate: 0)
        #expect(weight.values == [0, 0])
        #expect(weight.gradientValues == nil)
    }

    @Test func groupsLearnAtMultiplesOfTheRate() throws {
        for within in [false, true] {
            let parameters = try (0..<3).map { _ in try Parameter(shape: [1, 2]) }
            let optimiser = Optimiser(
                .sgd(rate: 1),
                groups: [
                    Optimiser.Group([parameters[0]]), Optimiser.Group([parameters[1], parameters[2]], rateFactor: 4),
                ])
            let tape = Tape()
            let pass = ForwardPass(.training, recordingOn: tape)
            let x = try Tensor([3, -2], shape: [1, 2])
            let roots = try parameters.map { (try pass.linear(x, weight: $0), try Tensor([1], shape: [1, 1])) }
            if within {
                try tape.backward(from: roots) { try optimiser.step($0, rate: 0.5) }
            } else {
                try tape.backward(from: roots)
                try optimiser.step(rate: 0.5)
            }
            #expect(parameters.map(\.values) == [[-1.5, 1], [-6, 4], [-6, 4]])
        }
    }

    /// Steps within the backward pass are those after it, to the bit, also of a parameter that two layers read; each
    /// parameter comes once, and gradients are gone behind it.
    @Test func stepsWithinTheBackwardPass() throws {
        func learnt(within: Bool) throws -> ([[Float]], completed: Int) {
            let shapes = [[4, 4], [4], [3, 4], [2, 3]]
            let parameters = try shapes.enumerated().map { index, shape in
                let parameter = try Parameter(shape: shape)
                parameter.set(FiniteDifference.numbers(parameter.count, seed: UInt64(index)))
                return parameter
            }
            // The last is another's.
            let optimiser = Optimiser(.adamW(rate: 0.1), parameters: Array(parameters.dropLast()))
            var completed = 0
            for step in 0..<3 {
                parameters.forEach { $0.clearGradient() }
                let tape = Tape()
                let pass = ForwardPass(.training, recordingOn: tape)
                let x = try Tensor(FiniteDifference.numbers(20, seed: UInt64(90 + step)), shape: [5, 4])
                var y = try pass.linear(x, weight: parameters[0], bias: parameters[1], activation: .relu)
                y = try pass.linear(y, weight: parameters[0], bias: parameters[1])
                y = try pass.linear(pass.linear(y, weight: parameters[2]), weight: parameters[3])
                let root = (y, try Tensor(FiniteDifference.numbers(10, seed: 7), shape: [5, 2]))
                guard within else {
                    try tape.backward(from: [root])
                    try optimiser.step()
                    continue
                }
                try tape.backward(from: [root]) { parameter in
                    completed += 1
                    try optimiser.step(parameter)
                }
                #expect(parameters.map { $0.gradientValues == nil } == [true, true, true, false])
            }
            return (parameters.map(\.values), completed)
        }
        let (within, after) = (try learnt(within: true), try learnt(within: false))
        #expect(within.0 == after.0 && within.completed == 3 * 4)
    }

    @Test func gradientsThatAreNoNumbersAreNotFollowed() throws {
        let weight = try Parameter(shape: [1, 2])
        let optimiser = Optimiser(.sgd(rate: 1), parameters: [weight])
        let tape = Tape()
        let y = try ForwardPass(.training, recordingOn: tape).linear(Tensor([3, .nan], shape: [1, 2]), weight: weight)
        let error = #expect(throws: EngineError.self) {
            try tape.backward(from: [(y, Tensor([1], shape: [1, 1]))]) { try optimiser.step($0) }
        }
        #expect(error?.code == .notFinite && weight.values == [0, 0])
    }

    /// Gradients of a bias (column sums, of which 150 fill whole blocks and a rest) and their norm: right, and the same to
    /// the bit with any number of threads.
    @Test func sumsDoNotDependOnThreads() throws {
        let (rows, columns) = (400, 150)
        let slopes = FiniteDifference.numbers(rows * columns, seed: 5)
        let threads = ComputeThreads.current
        defer { ComputeThreads.set(threads) }
        var seen: [(sums: [Float], norm: Float)] = []
        for count in [1, 2, 5] {
            ComputeThreads.set(count)
            let layer = try Linear(300, columns)
            let tape = Tape()
            let x = try Tensor(FiniteDifference.numbers(rows * 300, seed: 6), shape: [rows, 300])
            let y = try layer(x, ForwardPass(.training, recordingOn: tape))
            try tape.backward(from: [(y, Tensor(slopes, shape: [rows, columns]))])
            let bias = try #require(layer.bias)
            let norm = Optimiser(.sgd(rate: 1), parameters: [layer.weight, bias]).gradientNorm()
            seen.append((try #require(bias.gradientValues), norm))
            let all = try #require(layer.weight.gradientValues) + seen[0].sums
            let wanted = all.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
            #expect(abs(Double(norm) / wanted - 1) < 1e-6)
        }
        for column in 0..<columns {
            let wanted = (0..<rows).reduce(0.0) { $0 + Double(slopes[$1 * columns + column]) }
            #expect(abs(Double(seen[0].sums[column]) - wanted) < 1e-3)
        }
        #expect(seen.allSatisfy { $0.sums == seen[0].sums && $0.norm == seen[0].norm })
    }

    @Test func stepsKeepEachNumberOfAGradientWithinTheLimit() throws {
        let weight = try Parameter(shape: [1, 5])
        let tape = Tape()
        let y = try ForwardPass(.training, recordingOn: tape)
            .linear(Tensor([3, -4, 0.25, -0.5, 0], shape: [1, 5]), weight: weight)
        try tape.backward(from: [(y, Tensor([1], shape: [1, 1]))])
        try Optimiser(.sgd(rate: 1), parameters: [weight]).step(limit: 0.5)
        #expect(weight.values == [-0.5, 0.5, -0.25, 0.5, 0])
    }

    /// A gradient longer than a stretch of the kernel's, of which one number is none: whoever takes the step is told.
    @Test(arguments: [Float.nan, .infinity, -.infinity], [0, 1023, 40_000, 49_999])
    func oneNumberThatIsNoneIsFound(number: Float, place: Int) throws {
        var slopes = [Float](repeating: 1, count: 50_000)
        slopes[place] = number
        for settings in [OptimiserSettings.sgd(rate: 1), .sgd(rate: 1, momentum: 0.9), .adamW(rate: 1)] {
            let weight = try Parameter(shape: [1, slopes.count])
            let tape = Tape()
            let y = try ForwardPass(.training, recordingOn: tape)
                .linear(Tensor(slopes, shape: [1, slopes.count]), weight: weight)
            try tape.backward(from: [(y, Tensor([1], shape: [1, 1]))])
            let optimiser = Optimiser(settings, parameters: [weight])
            let error = #expect(throws: EngineError.self) { try optimiser.step(limit: 2) }
            #expect(error?.code == .notFinite)
        }
    }

    /// The copy in bf16 that products read follows the values in the step itself: as if it were made anew, to the bit.
    @Test(.enabled(if: EngineSetup.hasBFloat16, "the processor has no bf16"))
    func theCopyInBF16FollowsTheStep() throws {
        let x = try Tensor(FiniteDifference.numbers(5 * 300, seed: 9), shape: [5, 300])
        for settings in [OptimiserSettings.sgd(rate: 0.1, momentum: 0.9), .adamW(rate: 0.1)] {
            let (weight, fresh) = (try Parameter(shape: [70, 300]), try Parameter(shape: [70, 300]))
            weight.set(FiniteDifference.numbers(weight.count, seed: 3))
            let optimiser = Optimiser(settings, parameters: [weight])
            func result(_ weight: Parameter, on tape: Tape) throws -> Tensor {
                try ForwardPass(.training, recordingOn: tape, precision: .bfloat16).linear(x, weight: weight)
            }
            let tape = Tape()
            let before = try result(weight, on: tape)
            let slopes = try Tensor(FiniteDifference.numbers(before.count, seed: 4), shape: before.shape)
            try tape.backward(from: [(before, slopes)])
            try optimiser.step()
            fresh.set(weight.values)
            let (followed, wanted) = (try result(weight, on: Tape()).values, try result(fresh, on: Tape()).values)
            #expect(followed == wanted && followed != before.values)
        }
    }
}
