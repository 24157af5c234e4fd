import NeuralNetwork
import Testing

/// The fused bottleneck against its layers one by one, and layers of which only packed weights are left.
@Suite struct BottleneckTests {
    private static func layer(
        _ inputs: Int, _ outputs: Int, kernel: Int, groups: Int = 1, seed: UInt64
    ) throws -> (layer: Conv2d, norm: BatchNorm) {
        let geometry = ConvolutionGeometry(padding: kernel / 2, groups: groups)
        let made = (layer: try Conv2d(inputs, outputs, kernel: kernel, geometry: geometry), norm: try BatchNorm(outputs))
        made.layer.weight.set(FiniteDifference.numbers(made.layer.weight.count, seed: seed).map { $0 / 3 })
        made.norm.bias.set(FiniteDifference.numbers(outputs, seed: seed + 1))
        made.norm.runningMean.set(FiniteDifference.numbers(outputs, seed: seed + 2))
        made.norm.runningVariance.set(FiniteDifference.numbers(outputs, seed: seed + 3).map { 1 + abs($0) })
        return made
    }

    /// Maps of one strip, and of many with a remainder: a row of 512 × 256 hidden numbers fills a strip.
    @Test(arguments: [[2, 5, 6, 8], [1, 7, 512, 8], [1, 1, 3, 8]], Precision.allCases)
    func equalsItsLayers(shape: [Int], precision: Precision) throws {
        guard precision == .float32 || EngineSetup.hasBFloat16 else {
            try Test.cancel("the processor does not multiply bf16: only fp32 was checked")
        }
        let hidden = shape[2] > 100 ? 256 : 32
        let widening = try Self.layer(8, hidden, kernel: 1, seed: 1)
        let depthwise = try Self.layer(hidden, hidden, kernel: 3, groups: hidden, seed: 11)
        let narrowing = try Self.layer(hidden, 8, kernel: 1, seed: 21)
        let x = try Tensor(FiniteDifference.numbers(shape.reduce(1, *), seed: 31), shape: shape)
        let fused = try ForwardPass(.evaluation, precision: precision)
            .bottleneck(x, widening: widening, depthwise: depthwise, narrowing: narrowing)
        let pass = ForwardPass(.evaluation)
        let wide = try widening.layer(x, pass, norm: widening.norm, activation: .geluErf)
        let filtered = try depthwise.layer(wide, pass, norm: depthwise.norm, activation: .geluErf)
        let expected = try narrowing.layer(filtered, pass, norm: narrowing.norm, activation: .geluErf, adding: x).values
        let (limit, seen) = (precision == .float32 ? Float(2e-5) : 3e-2, fused.values)
        let largest = expected.reduce(Float(1)) { max($0, abs($1)) }
        #expect(zip(seen, expected).allSatisfy { abs($0 - $1) <= limit * largest })
    }

    @Test func refusesTrainingAndOtherLayers() throws {
        let widening = try Self.layer(8, 32, kernel: 1, seed: 1)
        let depthwise = try Self.layer(32, 32, kernel: 3, groups: 32, seed: 11)
        let narrowing = try Self.layer(32, 8, kernel: 1, seed: 21)
        let x = try Tensor.zeros([1, 4, 4, 8])
        #expect(throws: EngineError.self) {
            try ForwardPass(.training).bottleneck(x, widening: widening, depthwise: depthwise, narrowing: narrowing)
        }
        #expect(throws: EngineError.self) {
            try ForwardPass(.evaluation).bottleneck(x, widening: widening, depthwise: narrowing, narrowing: narrowing)
        }
    }

    /// The result is the same with any number of threads; another precision wants another layout, which is refused.
    @Test func packedWeightsAreEnough() throws {
        let layer = try Linear(96, 80)
        layer.weight.set(FiniteDifference.numbers(96 * 80, seed: 1))
        layer.bias?.set(FiniteDifference.numbers(80, seed: 2))
        let x = try Tensor(FiniteDifference.numbers(300 * 96, seed: 3), shape: [300, 96])
        let row = try x.rows(7..<8)
        let pass = ForwardPass(.evaluation)
        let before = (try layer(x, pass, activation: .geluErf).values, try layer(row, pass).values)
        try layer.keepOnlyPacked(rows: [300, 1], precision: .float32, nil)
        #expect(layer.weight.values.isEmpty && layer.weight.count == 96 * 80)
        let threads = ComputeThreads.current
        defer { ComputeThreads.set(threads) }
        for count in [1, 2, 5] {
            ComputeThreads.set(count)
            #expect(try layer(x, pass, activation: .geluErf).values == before.0)
            #expect(try layer(row, pass).values == before.1)
        }
        guard EngineSetup.hasBFloat16 else { try Test.cancel("the processor does not multiply bf16: only fp32 was checked") }
        #expect(throws: EngineError.self) { try layer(x, ForwardPass(.evaluation, precision: .bfloat16)) }
    }
}
