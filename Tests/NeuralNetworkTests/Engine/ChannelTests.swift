import NeuralNetwork
import Testing

/// Operations over channels and batches of matrices: their results by hand, their gradients by finite differences.
@Suite struct ChannelTests {
    @Test func channelsAreJoinedAndCutOut() throws {
        let pass = ForwardPass(.evaluation)
        let a = try Tensor([1, 2, 3, 4], shape: [1, 1, 2, 2])
        let b = try Tensor([5, 6], shape: [1, 1, 2, 1])
        let joined = try pass.concatenatedChannels([a, b, a])
        #expect(joined.shape == [1, 1, 2, 5])
        #expect(joined.values == [1, 2, 5, 1, 2, 3, 4, 6, 3, 4])
        #expect(try pass.channels(joined, 2..<4).values == [5, 1, 6, 3])
        #expect(throws: EngineError.self) { try pass.channels(joined, 3..<6) }
        #expect(throws: EngineError.self) {
            try pass.concatenatedChannels([a, Tensor([1, 2, 3, 4], shape: [1, 2, 1, 2])])
        }
    }

    @Test func meansMaximaAndProducts() throws {
        let pass = ForwardPass(.evaluation)
        let x = try Tensor([1, 5, 3, -4, -6, -2], shape: [1, 1, 2, 3])
        #expect(try pass.channelMean(x).values == [3, -4])
        #expect(try pass.channelMaximum(x).values == [5, -2])
        #expect(try pass.globalMaxPool(x).values == [1, 5, 3])
        #expect(try pass.globalMeanPool(x).shape == [1, 1, 1, 3])
        let perChannel = try Tensor([1, 0, 2], shape: [1, 1, 1, 3])
        #expect(try pass.product(x, perChannel: perChannel).values == [1, 0, 6, -4, 0, -4])
        let perPixel = try Tensor([10, -1], shape: [1, 1, 2, 1])
        #expect(try pass.product(x, perPixel: perPixel).values == [10, 50, 30, 4, 6, 2])
        #expect(throws: EngineError.self) { try pass.product(x, perChannel: perPixel) }
        #expect(throws: EngineError.self) { try pass.product(x, perPixel: perChannel) }
    }

    /// More channels than the sixteen lanes of a sum, and a remainder.
    @Test func meanOfManyChannels() throws {
        let numbers = FiniteDifference.numbers(3 * 37, seed: 8)
        let seen = try ForwardPass(.evaluation).channelMean(Tensor(numbers, shape: [3, 1, 1, 37])).values
        for row in 0..<3 {
            let sum = numbers[row * 37..<(row + 1) * 37].reduce(0.0) { $0 + Double($1) }
            #expect(abs(Double(seen[row]) - sum / 37) < 1e-6)
        }
    }

    @Test func gradients() throws {
        let shape = [2, 3, 4, 21]
        try FiniteDifference.check(shape: shape) { x, pass in try pass.channels(x, 3..<20) }
        try FiniteDifference.check(shape: shape) { x, pass in try pass.concatenatedChannels([x, pass.tanh(x), x]) }
        try FiniteDifference.check(shape: shape) { x, pass in try pass.channelMean(x) }
        // Steps that move no maximum.
        try FiniteDifference.check(shape: shape, step: 1e-4, tolerance: 3e-2) { x, pass in try pass.channelMaximum(x) }
        try FiniteDifference.check(shape: shape, step: 1e-4, tolerance: 3e-2) { x, pass in try pass.globalMaxPool(x) }
        try FiniteDifference.check(shape: shape) { x, pass in try pass.globalMeanPool(x) }
        try FiniteDifference.check(shape: shape) { x, pass in
            try pass.product(x, perChannel: pass.tanh(pass.globalMeanPool(x)))
        }
        try FiniteDifference.check(shape: shape) { x, pass in
            try pass.product(pass.tanh(x), perPixel: pass.channelMean(x))
        }
    }

    @Test func batchesOfMatrices() throws {
        let pass = ForwardPass(.evaluation)
        let a = try Tensor([1, 2, 3, 4, 5, 6], shape: [1, 2, 3])
        #expect(try pass.transposed(a).values == [1, 4, 2, 5, 3, 6])
        #expect(try pass.batchedMatmul(a, a, transposingB: true).values == [14, 32, 32, 77])
        let many = try Tensor(FiniteDifference.numbers(2 * 40 * 33, seed: 7), shape: [2, 40, 33])
        let turned = try pass.transposed(many)
        let (before, after) = (many.values, turned.values)
        for index in before.indices {
            let (batch, row, column) = (index / 1320, index / 33 % 40, index % 33)
            #expect(before[index] == after[batch * 1320 + column * 40 + row])
        }
        let columns = try pass.softmaxOverRows(many).values
        #expect(abs((0..<40).reduce(Float(0)) { $0 + columns[1320 + $1 * 33 + 5] } - 1) < 1e-5)
        #expect(throws: EngineError.self) { try pass.batchedMatmul(a, a) }
    }

    @Test(arguments: [(true, true), (true, false), (false, true), (false, false)])
    func gradientsOfBatchedProducts(transposingA: Bool, transposingB: Bool) throws {
        // The second factor is made from the first, so that both carry gradients.
        try FiniteDifference.check(shape: [3, 4, 4]) { x, pass in
            try pass.batchedMatmul(x, pass.tanh(x), transposingA: transposingA, transposingB: transposingB)
        }
        // Sides of different lengths, the second transposed where the product asks for it.
        try FiniteDifference.check(shape: [3, 4, 6]) { x, pass in
            let right = try transposingA == transposingB ? pass.transposed(pass.tanh(x)) : pass.tanh(x)
            return try pass.batchedMatmul(x, right, transposingA: transposingA, transposingB: transposingB)
        }
        try FiniteDifference.check(shape: [2, 5, 3]) { x, pass in try pass.softmaxOverRows(x) }
    }

    @Test func pathsAreDroppedByImage() throws {
        let x = try Tensor([Float](repeating: 3, count: 400 * 2), shape: [400, 1, 2])
        let seen = try ForwardPass(.training, seed: 4).dropPath(x, probability: 0.25).values
        for image in 0..<400 {
            #expect(seen[2 * image] == seen[2 * image + 1])
            #expect(seen[2 * image] == 0 || abs(seen[2 * image] - 4) < 1e-6)
        }
        let kept = seen.filter { $0 != 0 }.count / 2
        #expect((260...340).contains(kept))
        #expect(try ForwardPass(.training, seed: 4).dropPath(x, probability: 0.25).values == seen)
        #expect(try ForwardPass(.training, seed: 5).dropPath(x, probability: 0.25).values != seen)
        #expect(try ForwardPass(.evaluation).dropPath(x, probability: 0.25) === x)
        #expect(throws: EngineError.self) { try ForwardPass(.training).dropPath(x, probability: 1) }
        try FiniteDifference.check(shape: [6, 3, 2]) { x, pass in try pass.dropPath(x, probability: 0.4) }
    }

    /// What layers hand on in a bf16 inference pass is read as well, and sums are fp32.
    @Test func bfloat16IsRead() throws {
        let pass = ForwardPass(.evaluation, precision: .bfloat16)
        let shape = [2, 4, 6, 16]
        let x = try Tensor(FiniteDifference.numbers(shape.reduce(1, *), seed: 9), shape: shape).converted(to: .bfloat16)
        let rounded = try Tensor(x.values, shape: shape)
        let operations: [(Tensor) throws -> Tensor] = [
            { try pass.resized($0, height: 7, width: 3, alignsCorners: true) },
            { try pass.resizedToNearest($0, height: 2, width: 12) },
            { try pass.adaptiveAveragePool($0, height: 3, width: 4) }, { try pass.channelMean($0) },
            { try pass.channelMaximum($0) }, { try pass.globalMaxPool($0) }, { try pass.globalMeanPool($0) },
            { try pass.channels($0, 3..<7) }, { try pass.concatenatedChannels([$0, $0]) }, { try pass.transposed($0) },
            { try pass.batchedMatmul($0, $0, transposingB: true) },
            { try pass.product($0, perChannel: pass.globalMaxPool($0)) },
            { try pass.product($0, perPixel: pass.channelMean($0)) },
        ]
        for (index, operation) in operations.enumerated() {
            let (seen, expected) = (try operation(x), try operation(rounded))
            #expect(seen.precision == .float32)
            #expect(seen.values == expected.values, "operation \(index)")
        }
    }

    /// Neither results nor gradients depend on the number of threads.
    @Test func threadsChangeNothing() throws {
        let before = ComputeThreads.current
        defer { ComputeThreads.set(before) }
        func run(_ threads: Int) throws -> [[Float]] {
            ComputeThreads.set(threads)
            let shape = [3, 40, 33, 48]
            let tape = Tape()
            let x = try Tensor(FiniteDifference.numbers(shape.reduce(1, *), seed: 12), shape: shape)
            tape.watch(x)
            let pass = ForwardPass(.training, recordingOn: tape)
            let gated = try pass.product(x, perChannel: pass.globalMaxPool(x))
            let y = try pass.resized(
                pass.concatenatedChannels([pass.product(gated, perPixel: pass.channelMean(x)), pass.channelMaximum(x)]),
                height: 50, width: 20, alignsCorners: false)
            try tape.backward(from: [(y, Tensor(FiniteDifference.numbers(y.count, seed: 13), shape: y.shape))])
            return try [y.values, #require(tape.gradient(of: x)).values]
        }
        #expect(try run(1) == run(3))
    }
}
