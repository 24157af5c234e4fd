import NeuralNetwork
import Testing

/// Compares an operation's backward pass with what happens when its inputs are moved a little.
enum FiniteDifference {
    /// Numbers in [−1, 1), each a function of `seed` and its place; none within 0.02 of zero, so that no step
    /// crosses the kink of a ReLU.
    static func numbers(_ count: Int, seed: UInt64) -> [Float] {
        var random = CounterRandom(seed: seed)
        return (0..<count).map { _ in
            let drawn = Float(2 * random.uniform() - 1)
            return drawn < 0 ? drawn - 0.02 : drawn + 0.02
        }
    }

    /// `function` maps a tensor of `shape` and a pass to a tensor. Checks the gradient of Σ r·function(x), with r
    /// fixed numbers, for x and for every parameter, along a direction that moves all numbers at once and along
    /// single ones.
    static func check(
        shape: [Int], parameters: [Parameter] = [], mode: ForwardPass.Mode = .training, step: Float = 1e-2,
        tolerance: Double = 1e-2, sourceLocation: SourceLocation = #_sourceLocation,
        _ function: (Tensor, ForwardPass) throws -> Tensor
    ) throws {
        let start = numbers(shape.reduce(1, *), seed: 1)
        func output(_ x: [Float]) throws -> [Float] {
            try function(Tensor(x, shape: shape), ForwardPass(mode, seed: 5, updatesRunningStatistics: false)).values
        }
        let roots = numbers(try output(start).count, seed: 2)
        func value(_ x: [Float]) throws -> Double {
            zip(try output(x), roots).reduce(0) { $0 + Double($1.0) * Double($1.1) }
        }

        let tape = Tape()
        let x = try Tensor(start, shape: shape)
        tape.watch(x)
        for parameter in parameters { parameter.clearGradient() }
        let pass = ForwardPass(mode, recordingOn: tape, seed: 5, updatesRunningStatistics: false)
        let y = try function(x, pass)
        try tape.backward(from: [(y, Tensor(roots, shape: y.shape))])
        let gradient = try #require(tape.gradient(of: x), sourceLocation: sourceLocation).values

        for direction in directions(start.count) {
            let numeric = (try value(moved(start, direction, step)) - value(moved(start, direction, -step))) / Double(2 * step)
            expectClose(dot(gradient, direction), numeric, tolerance, "input", sourceLocation)
        }
        for (index, parameter) in parameters.enumerated() {
            let before = parameter.values
            let gradient = try #require(parameter.gradientValues, sourceLocation: sourceLocation)
            for direction in directions(before.count) {
                parameter.set(moved(before, direction, step))
                let above = try value(start)
                parameter.set(moved(before, direction, -step))
                let numeric = (above - (try value(start))) / Double(2 * step)
                parameter.set(before)
                expectClose(dot(gradient, direction), numeric, tolerance, "parameter \(index)", sourceLocation)
            }
        }
    }

    private static func directions(_ count: Int) -> [[Float]] {
        let all = numbers(count, seed: 3).map { $0 / Float(count).squareRoot() }
        let single = [0, count / 2, count - 1].map { place in (0..<count).map { $0 == place ? Float(1) : 0 } }
        return [all] + single
    }

    private static func moved(_ x: [Float], _ direction: [Float], _ step: Float) -> [Float] {
        zip(x, direction).map { $0 + step * $1 }
    }

    private static func dot(_ a: [Float], _ b: [Float]) -> Double {
        zip(a, b).reduce(0) { $0 + Double($1.0) * Double($1.1) }
    }

    private static func expectClose(
        _ analytic: Double, _ numeric: Double, _ tolerance: Double, _ what: String, _ place: SourceLocation
    ) {
        let limit = tolerance * max(1, abs(analytic), abs(numeric))
        #expect(abs(analytic - numeric) <= limit, "\(what): \(analytic), numerically \(numeric)", sourceLocation: place)
    }
}

extension Parameter {
    /// A parameter with numbers made from `seed`.
    static func filled(_ shape: [Int], seed: UInt64) throws -> Parameter {
        let made = try Parameter(shape: shape)
        made.set(FiniteDifference.numbers(made.count, seed: seed))
        return made
    }

    func set(_ numbers: [Float]) {
        update { memory in for (index, number) in numbers.enumerated() { memory[index] = number } }
    }
}
