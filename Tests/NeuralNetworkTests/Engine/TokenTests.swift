import NeuralNetwork
import Testing

/// Operations on sequences of tokens: results by hand or by PyTorch, gradients by finite differences.
@Suite struct TokenTests {
    /// PyTorch 2.13's bicubic interpolation, corners not aligned.
    @Test func cubicResizingIsPyTorchs() throws {
        let x = try Tensor([1, -2, 3, 0.5, 0, 4, -1, 2, 2.5, 1, 0, -3], shape: [1, 3, 4, 1])
        let pass = ForwardPass(.evaluation)
        func check(_ height: Int, _ width: Int, _ theirs: [Float]) throws {
            let ours = try pass.resizedCubically(x, height: height, width: width)
            #expect(ours.shape == [1, height, width, 1])
            for (a, b) in zip(ours.values, theirs) { #expect(abs(a - b) < 2e-5) }
        }
        try check(
            2, 6, [0.79151, -0.16797, -0.25076, 1.75569, 1.78027, 0.92509, 1.89912, 2.1062, 1.59104, 0.08235, -1.30249, -1.94008])
        try check(
            4, 3, [0.46985, 0.37125, 0.90705, 0.41634, 1.28744, 1.7362, 1.27187, 1.3756, 0.07521, 2.41988, 0.57221, -2.8789])
        try check(3, 4, x.values)
        #expect(throws: EngineError.self) { try pass.resizedCubically(x, height: 0, width: 4) }
    }

    @Test func sequencesAreJoinedAndCut() throws {
        let pass = ForwardPass(.evaluation)
        let first = try Tensor([10, 20], shape: [1, 1, 2])
        let patches = try Tensor([1, 2, 3, 4, 5, 6, 7, 8], shape: [2, 2, 2])
        let positions = try Tensor([0.5, 0, 0, 0.25, -1, 0], shape: [1, 3, 2])
        let joined = try pass.tokens(first: first, patches: patches, positions: positions)
        #expect(joined.shape == [2, 3, 2])
        #expect(joined.values == [10.5, 20, 1, 2.25, 2, 4, 10.5, 20, 5, 6.25, 6, 8])
        #expect(try pass.tokens(joined, 0..<1).values == [10.5, 20, 10.5, 20])
        #expect(try pass.tokens(joined, 1..<3).values == [1, 2.25, 2, 4, 5, 6.25, 6, 8])
        #expect(throws: EngineError.self) { try pass.tokens(joined, 2..<4) }
        #expect(throws: EngineError.self) { try pass.tokens(first: first, patches: patches, positions: patches) }
    }

    @Test func rowsGetLengthOne() throws {
        let pass = ForwardPass(.evaluation)
        let x = try Tensor([3, 4, 0, 0, -6, 8], shape: [1, 3, 2])
        let unit = try pass.normalisedLength(x).values
        for (a, b) in zip(unit, [0.6, 0.8, 0, 0, -0.6, 0.8] as [Float]) { #expect(abs(a - b) < 1e-6) }
        let cosines = try pass.cosineSimilarities(x)
        #expect(cosines.shape == [1, 3, 3])
        #expect(abs(cosines.values[2] - 0.28) < 1e-6 && abs(cosines.values[0] - 1) < 1e-6)
    }

    @Test func gradients() throws {
        try FiniteDifference.check(shape: [2, 3, 4, 5]) { x, pass in try pass.resizedCubically(x, height: 5, width: 3) }
        try FiniteDifference.check(shape: [2, 4, 3]) { x, pass in try pass.tokens(x, 1..<3) }
        try FiniteDifference.check(shape: [2, 4, 7], step: 1e-3) { x, pass in try pass.normalisedLength(x) }
        try FiniteDifference.check(shape: [2, 4, 7], step: 1e-3) { x, pass in try pass.cosineSimilarities(x) }
        let (first, positions) = (try Parameter.filled([1, 1, 3], seed: 4), try Parameter.filled([1, 5, 3], seed: 5))
        try FiniteDifference.check(shape: [2, 4, 3], parameters: [first, positions]) { x, pass in
            try pass.tokens(first: pass.value(of: first), patches: x, positions: pass.value(of: positions))
        }
    }

    @Test func buffersLearnNothing() throws {
        let buffer = try Parameter(shape: [1, 3, 2], repeating: 1, isBuffer: true)
        let tape = Tape()
        let pass = ForwardPass(.training, recordingOn: tape)
        let y = try pass.tanh(pass.value(of: buffer))
        try tape.backward(from: [(y, Tensor([Float](repeating: 1, count: 6), shape: [1, 3, 2]))])
        #expect(buffer.gradientValues == nil)
    }
}
