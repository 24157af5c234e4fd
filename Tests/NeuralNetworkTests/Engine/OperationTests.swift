import NeuralNetwork
import Testing

/// Forward passes against sums written out, and the promises that are not about gradients.
@Suite struct OperationTests {
    @Test func convolutionIsTheSumItSays() throws {
        let geometry = ConvolutionGeometry(stride: 2, padding: 1, dilation: 2)
        let weight = try Parameter.filled([3, 2, 3, 3], seed: 1)
        let x = FiniteDifference.numbers(7 * 8 * 2, seed: 2)
        let y = try ForwardPass(.evaluation)
            .convolution(Tensor(x, shape: [1, 7, 8, 2]), weight: weight, geometry: geometry)
        #expect(y.shape == [1, 3, 3, 3])
        let w = weight.values
        let seen = y.values
        for row in 0..<3 {
            for column in 0..<3 {
                for output in 0..<3 {
                    var sum: Float = 0
                    for ky in 0..<3 {
                        for kx in 0..<3 {
                            let (sy, sx) = (row * 2 - 1 + ky * 2, column * 2 - 1 + kx * 2)
                            guard (0..<7).contains(sy), (0..<8).contains(sx) else { continue }
                            for c in 0..<2 {
                                sum += x[(sy * 8 + sx) * 2 + c] * w[((output * 2 + c) * 3 + ky) * 3 + kx]
                            }
                        }
                    }
                    #expect(abs(seen[(row * 3 + column) * 3 + output] - sum) < 1e-5)
                }
            }
        }
    }

    @Test func weightsArePackedAgainAfterAChange() throws {
        let weight = try Parameter.filled([4, 4, 1, 1], seed: 3)
        let x = try Tensor(FiniteDifference.numbers(16, seed: 4), shape: [1, 2, 2, 4])
        let before = try ForwardPass(.evaluation).convolution(x, weight: weight, geometry: ConvolutionGeometry()).values
        weight.set(weight.values.map { 2 * $0 })
        let after = try ForwardPass(.evaluation).convolution(x, weight: weight, geometry: ConvolutionGeometry()).values
        for (a, b) in zip(after, before) { #expect(abs(a - 2 * b) < 1e-5) }
    }

    @Test func batchStatisticsTeachTheRunningOnes() throws {
        let norm = try BatchNorm(3)
        let rows = 1000
        let numbers = FiniteDifference.numbers(rows * 3, seed: 5).enumerated().map { $0.element + Float($0.offset % 3) * 10 }
        let y = try norm(Tensor(numbers, shape: [rows, 3]), ForwardPass(.training)).values
        for channel in 0..<3 {
            let column = stride(from: channel, to: numbers.count, by: 3).map { Double(numbers[$0]) }
            let mean = column.reduce(0, +) / Double(rows)
            let variance = column.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(rows)
            #expect(abs(Double(norm.runningMean.values[channel]) - 0.1 * mean) < 1e-5)
            let expected = 0.9 + 0.1 * variance * Double(rows) / Double(rows - 1)
            #expect(abs(Double(norm.runningVariance.values[channel]) - expected) < 1e-5)
            let first = (column[0] - mean) / (variance + 1e-5).squareRoot()
            #expect(abs(Double(y[channel]) - first) < 1e-4)
        }
        let before = norm.runningMean.values
        _ = try norm(Tensor(numbers, shape: [rows, 3]), ForwardPass(.training, updatesRunningStatistics: false))
        _ = try norm(Tensor(numbers, shape: [rows, 3]), ForwardPass(.evaluation))
        #expect(norm.runningMean.values == before)
    }

    /// Sums are cut into fixed blocks: more threads do not change a bit.
    @Test func resultsOfLoopsDoNotDependOnThreads() throws {
        let x = try Tensor(FiniteDifference.numbers(3000 * 70, seed: 6), shape: [3000, 70])
        let gradient = try Tensor(FiniteDifference.numbers(3000 * 70, seed: 7), shape: [3000, 70])
        func run(threads: Int) throws -> [[Float]] {
            let before = ComputeThreads.current
            ComputeThreads.set(threads)
            defer { ComputeThreads.set(before) }
            let norm = try BatchNorm(70)
            let tape = Tape()
            tape.watch(x)
            let pass = ForwardPass(.training, recordingOn: tape, seed: 8)
            let y = try norm(pass.dropout(x, probability: 0.5), pass, relu: true)
            try tape.backward(from: [(y, gradient)])
            return try [y.values, #require(tape.gradient(of: x)).values, #require(norm.weight.gradientValues)]
        }
        #expect(try run(threads: 1) == run(threads: 3))
    }

    @Test func dropoutKeepsItsShareAndItsSeed() throws {
        let ones = try Tensor([Float](repeating: 1, count: 40_000), shape: [40_000])
        func dropped(_ seed: UInt64) throws -> [Float] {
            try ForwardPass(.training, seed: seed).dropout(ones, probability: 0.3).values
        }
        let first = try dropped(1)
        #expect(Set(first) == [0, 1 / 0.7])
        #expect(abs(Double(first.count { $0 == 0 }) / 40_000 - 0.3) < 0.01)
        #expect(try dropped(1) == first)
        #expect(try dropped(2) != first)
        #expect(try ForwardPass(.evaluation).dropout(ones, probability: 0.3).values == ones.values)
        #expect(throws: EngineError.self) { try ForwardPass(.training).dropout(ones, probability: 1) }
    }

    @Test func shapesThatDoNotFitAreNamed() throws {
        let weight = try Parameter(shape: [8, 4, 3, 3])
        let x = try Tensor.zeros([1, 5, 5, 3])
        let error = #expect(throws: EngineError.self) {
            try ForwardPass(.evaluation).convolution(x, weight: weight, geometry: ConvolutionGeometry())
        }
        #expect(error?.code == .shapeMismatch)
        #expect(error?.message.contains("[1, 5, 5, 3]") == true)
        #expect(throws: EngineError.self) { try Tensor([1, 2], shape: [3]) }
        #expect(throws: EngineError.self) { try ForwardPass(.evaluation).gathered(Tensor.zeros([2, 2]), rows: [2]) }
        #expect(throws: EngineError.self) { try BatchNorm(3)(Tensor.zeros([1, 3]), ForwardPass(.training)) }
    }

    @Test func counterRandomIsItsSequence() {
        var random = CounterRandom(seed: 9)
        let drawn = (0..<4).map { _ in random.next() }
        #expect(drawn == (0..<4).map { CounterRandom.mixed(9, at: $0) })
        // The published first outputs of SplitMix64 from seed 1234567.
        #expect(CounterRandom.mixed(1_234_567, at: 0) == 6_457_827_717_110_365_317)
        #expect(CounterRandom.mixed(1_234_567, at: 1) == 3_203_168_211_198_807_973)
        var normal = CounterRandom(seed: 10, stream: "normal")
        let numbers = (0..<20_000).map { _ in normal.normal() }
        let mean = numbers.reduce(0, +) / 20_000
        let variance = numbers.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 20_000
        #expect(abs(mean) < 0.03 && abs(variance - 1) < 0.05)
    }

    @Test func poolGivesMemoryBack() throws {
        let pool = MemoryPool(idleLimit: 1 << 20)
        do {
            let memory = try PooledMemory(bytes: 1000, pool: pool)
            memory.floats[0] = 1
            #expect(pool.idleBytes == 0)
        }
        #expect(pool.idleBytes >= 1000)
        do { _ = try PooledMemory(bytes: 1000, pool: pool) }
        let idle = pool.idleBytes
        do { _ = try PooledMemory(bytes: 2 << 20, pool: pool) }
        #expect(pool.idleBytes == idle, "what exceeds the limit is freed")
    }

    @Test func coloursAreNormalisedChannelByChannel() throws {
        let rgb: [UInt8] = [255, 0, 51, 0, 255, 102]
        let values = try Tensor.images(rgb: rgb, count: 1, height: 2, width: 1, normalisation: .imageNet).values
        let expected: [Float] = [
            (1 - 0.485) / 0.229, -0.456 / 0.224, (0.2 - 0.406) / 0.225, -0.485 / 0.229, (1 - 0.456) / 0.224,
            (0.4 - 0.406) / 0.225,
        ]
        #expect(values.count == 6 && zip(values, expected).allSatisfy { abs($0 - $1) < 1e-6 })
        #expect(throws: EngineError.self) { try ColourNormalisation(mean: [0, 0, 0], deviation: [1, 0, 1]) }
        #expect(throws: EngineError.self) {
            try Tensor.images(rgb: rgb, count: 1, height: 1, width: 1, normalisation: .imageNet)
        }
    }
}
