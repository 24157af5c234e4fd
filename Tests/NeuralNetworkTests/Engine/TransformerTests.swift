import NeuralNetwork
import Testing

/// What transformers are made of: results against the same written out, gradients by finite differences, and fused
/// inference kernels against the recorded steps.
@Suite struct TransformerTests {
    private func tensor(_ shape: [Int], seed: UInt64) throws -> Tensor {
        try Tensor(FiniteDifference.numbers(shape.reduce(1, *), seed: seed), shape: shape)
    }

    private func fill(_ module: some Module, seed: UInt64) {
        var seed = seed
        module.forEachParameter("") { _, parameter in
            seed += 1
            parameter.set(FiniteDifference.numbers(parameter.count, seed: seed))
        }
    }

    private func difference(_ a: [Float], _ b: [Float]) -> Double {
        let (sum, size) = zip(a, b).reduce((0.0, 0.0)) { s, p in
            (s.0 + Double(p.0 - p.1) * Double(p.0 - p.1), s.1 + Double(p.1) * Double(p.1))
        }
        return a.count == b.count ? (sum / max(size, 1e-30)).squareRoot() : .infinity
    }

    /// Attention by its formula, in double, over B,N,heads·width tensors.
    private func attention(
        _ q: Tensor, _ k: Tensor, _ v: Tensor, heads: Int, scale: Double, bias: (Int, Int, Int) -> Double = { _, _, _ in 0 }
    ) -> [Float] {
        let (batches, n, m, c, cv) = (q.shape[0], q.shape[1], k.shape[1], q.shape[2] / heads, v.shape[2] / heads)
        let (qs, ks, vs) = (q.values, k.values, v.values)
        var out = [Float](repeating: 0, count: batches * n * heads * cv)
        for b in 0..<batches {
            for h in 0..<heads {
                for i in 0..<n {
                    let scores = (0..<m).map { j in
                        bias(b * heads + h, i, j) + scale
                            * (0..<c).reduce(0.0) { sum, d in
                                sum + Double(qs[((b * n + i) * heads + h) * c + d]) * Double(ks[((b * m + j) * heads + h) * c + d])
                            }
                    }
                    let highest = scores.max() ?? 0
                    let weights = scores.map { Double.exponential(Float($0 - highest)) }
                    let total = weights.reduce(0, +)
                    for d in 0..<cv {
                        let sum = (0..<m).reduce(0.0) { $0 + weights[$1] * Double(vs[((b * m + $1) * heads + h) * cv + d]) }
                        out[((b * n + i) * heads + h) * cv + d] = Float(sum / total)
                    }
                }
            }
        }
        return out
    }

    @Test func attentionIsItsFormula() throws {
        let (q, k, v) = (try tensor([2, 5, 12], seed: 1), try tensor([2, 37, 12], seed: 2), try tensor([2, 37, 6], seed: 3))
        let seen = try ForwardPass(.evaluation).attention(
            query: .whole(q, heads: 3), key: .whole(k, heads: 3), value: .whole(v, heads: 3), scale: 0.7)
        #expect(seen.shape == [2, 5, 6])
        #expect(difference(seen.values, attention(q, k, v, heads: 3, scale: 0.7)) < 1e-5)
        // Queries that need several blocks.
        let (long, keys) = (try tensor([1, 700, 16], seed: 4), try tensor([1, 900, 16], seed: 5))
        let blocks = try ForwardPass(.evaluation).attention(
            query: .whole(long, heads: 2), key: .whole(keys, heads: 2), value: .whole(keys, heads: 2))
        #expect(difference(blocks.values, attention(long, keys, keys, heads: 2, scale: 1 / 8.0.squareRoot())) < 1e-5)
    }

    @Test func biasesAreAddedToScores() throws {
        let x = try tensor([2, 6, 8], seed: 6)
        let table = try tensor([2, 6, 6], seed: 7)
        let numbers = table.values
        let pass = ForwardPass(.evaluation)
        func run(_ bias: AttentionBias) throws -> [Float] {
            try pass.attention(query: .whole(x, heads: 2), key: .whole(x, heads: 2), value: .whole(x, heads: 2), scale: 1, bias: bias)
                .values
        }
        let wanted = attention(x, x, x, heads: 2, scale: 1) { Double(numbers[($0 % 2 * 6 + $1) * 6 + $2]) }
        #expect(difference(try run(.table(table)), wanted) < 1e-5)
        // A grid of keys of 2 rows and 3 columns.
        let (height, width) = (try tensor([4, 6, 2], seed: 8), try tensor([4, 6, 3], seed: 9))
        let (rows, columns) = (height.values, width.values)
        let relative = attention(x, x, x, heads: 2, scale: 1) {
            Double(rows[($0 * 6 + $1) * 2 + $2 / 3]) + Double(columns[($0 * 6 + $1) * 3 + $2 % 3])
        }
        #expect(difference(try run(.decomposed(height: height, width: width)), relative) < 1e-5)
        #expect(throws: EngineError.self) { try run(.table(height)) }
        #expect(throws: EngineError.self) { try run(.decomposed(height: width, width: width)) }
        let tape = Tape()
        tape.watch(x)
        let recorded = ForwardPass(.training, recordingOn: tape)
        #expect(throws: EngineError.self) {
            try recorded.attention(
                query: .whole(x, heads: 2), key: .whole(x, heads: 2), value: .whole(x, heads: 2), bias: .table(table))
        }
    }

    @Test func operandsLieWhereTheyAreSaidToLie() throws {
        let (batches, tokens, heads, width) = (2, 4, 2, 3)
        let parts = try (0..<3).map { try tensor([batches, tokens, heads * width], seed: 10 + UInt64($0)) }
        let values = parts.map(\.values)
        var (packed, interleaved): ([Float], [Float]) = ([], [])
        for row in 0..<batches * tokens {
            for part in values { packed += part[row * heads * width..<(row + 1) * heads * width] }
            for head in 0..<heads {
                let start = (row * heads + head) * width
                for part in values { interleaved += part[start..<start + width] }
            }
        }
        let shape = [batches, tokens, 3 * heads * width]
        let (one, other) = (try Tensor(packed, shape: shape), try Tensor(interleaved, shape: shape))
        let pass = ForwardPass(.evaluation)
        let wanted = try pass.attention(
            query: .whole(parts[0], heads: heads), key: .whole(parts[1], heads: heads), value: .whole(parts[2], heads: heads))
        let seen = try pass.attention(
            query: .part(one, 0, of: 3, heads: heads), key: .part(one, 1, of: 3, heads: heads),
            value: .part(one, 2, of: 3, heads: heads))
        #expect(seen.values == wanted.values)
        let mixed = try pass.attention(
            query: .interleaved(other, offset: 0, width: width, heads: heads),
            key: .interleaved(other, offset: width, width: width, heads: heads),
            value: .interleaved(other, offset: 2 * width, width: width, heads: heads))
        #expect(mixed.values == wanted.values)
        #expect(throws: EngineError.self) { try AttentionOperand.interleaved(other, offset: 7, width: 3, heads: 2) }
    }

    @Test func gradientsOfAttention() throws {
        try FiniteDifference.check(shape: [2, 5, 24]) { x, pass in
            try pass.attention(
                query: .part(x, 0, of: 3, heads: 2), key: .part(x, 1, of: 3, heads: 2), value: .part(x, 2, of: 3, heads: 2), scale: 1.5)
        }
        let keys = try tensor([1, 7, 16], seed: 20)
        try FiniteDifference.check(shape: [1, 3, 8]) { x, pass in
            try pass.attention(query: .whole(x, heads: 2), key: .part(keys, 0, of: 2, heads: 2), value: .part(keys, 1, of: 2, heads: 2))
        }
        try FiniteDifference.check(shape: [1, 600, 8], step: 5e-3) { x, pass in
            try pass.attention(query: .whole(x, heads: 1), key: .whole(x, heads: 1), value: .whole(x, heads: 1))
        }
    }

    @Test func gradientsOfLayers() throws {
        let (norm, linear) = (try LayerNorm(37, epsilon: 1e-6), try Linear(37, 5))
        fill(norm, seed: 30)
        fill(linear, seed: 40)
        try FiniteDifference.check(shape: [2, 3, 37], parameters: [norm.weight, norm.bias]) { x, pass in try norm(x, pass) }
        try FiniteDifference.check(shape: [4, 37], parameters: linear.learnt) { x, pass in
            try linear(x, pass, activation: .geluErf)
        }
        let addend = try Linear(37, 5)
        fill(addend, seed: 50)
        try FiniteDifference.check(shape: [2, 2, 37], parameters: linear.learnt + addend.learnt) { x, pass in
            try linear(x, pass, adding: addend(x, pass))
        }
        for shape in [[3, 20]] {
            try FiniteDifference.check(shape: shape) { x, pass in try pass.gelu(x) }
            try FiniteDifference.check(shape: shape) { x, pass in try pass.sigmoid(x) }
            try FiniteDifference.check(shape: shape) { x, pass in try pass.sum(pass.tanh(x), x) }
            try FiniteDifference.check(shape: shape) { x, pass in try pass.product(pass.tanh(x), x) }
        }
    }

    @Test func activationsAreTheirFormulas() throws {
        let numbers: [Float] = [-90, -8, -3, -1.25, -0.5, 0, 0.1, 1, 2.75, 9, 90]
        let x = try Tensor(numbers, shape: [numbers.count])
        let pass = ForwardPass(.evaluation)
        // By Python's math.erf and math.exp.
        let gelu: [Double] = [
            0, -4.97680641774e-15, -0.00404969409489, -0.132062217417, -0.154268769386, 0, 0.0539827837277, 0.841344746069,
            2.74180550362, 9, 90,
        ]
        for (seen, wanted) in zip(try pass.gelu(x).values, gelu) { #expect(abs(Double(seen) - wanted) < 3e-6 * max(1, abs(wanted))) }
        for (seen, at) in zip(try pass.sigmoid(x).values, numbers) {
            #expect(abs(Double(seen) - 1 / (1 + Double.exponential(-at))) < 1e-6)
        }
    }

    /// A recorded pass and a fused one make the same numbers; in bf16 about the same.
    @Test func fusedKernelsAgreeWithTheSteps() throws {
        let (first, second, norm) = (try Linear(24, 64), try Linear(64, 24), try LayerNorm(24))
        for (index, module) in [first as any Module, second, norm].enumerated() { fill(module, seed: 60 + UInt64(index) * 10) }
        let convolution = try Conv2d(24, 16, kernel: 3, geometry: ConvolutionGeometry(padding: 1), hasBias: true)
        let batchNorm = try BatchNorm(16)
        fill(convolution, seed: 90)
        fill(batchNorm, seed: 95)
        batchNorm.runningVariance.set(batchNorm.runningVariance.values.map { abs($0) + 0.5 })
        func run(_ pass: ForwardPass) throws -> [[Float]] {
            let x = try tensor([2, 20, 24], seed: 100)
            let y = try second(first(norm(x, pass), pass, activation: .geluErf), pass, adding: x)
            let map = try pass.reshaped(y, to: [2, 4, 5, 24])
            let residual = try convolution(map, pass, norm: batchNorm)
            let z = try convolution(map, pass, norm: batchNorm, activation: .relu, adding: residual)
            return [y.values, residual.values, z.values, try convolution(map, pass, norm: nil, activation: .geluErf).values]
        }
        let steps = try run(ForwardPass(.evaluation, recordingOn: Tape()))
        let fused = try run(ForwardPass(.evaluation))
        for (a, b) in zip(fused, steps) { #expect(difference(a, b) < 1e-5) }
        guard EngineSetup.hasBFloat16 else { try Test.cancel("the processor does not multiply bf16: only fp32 was checked") }
        for (a, b) in zip(try run(ForwardPass(.evaluation, precision: .bfloat16)), steps) { #expect(difference(a, b) < 2e-2) }
        // A changed normalisation is folded anew.
        batchNorm.bias.set(batchNorm.bias.values.map { $0 + 1 })
        let moved = try run(ForwardPass(.evaluation))
        #expect(zip(moved[1], fused[1]).allSatisfy { abs($0 - $1 - 1) < 1e-4 })
    }

    /// In a square layer the packing for the forward pass and that for its backward pass differ by their plain layout only.
    @Test func squareLayersKeepTheirTwoPackingsApart() throws {
        let layer = try Linear(16, 16)
        fill(layer, seed: 110)
        try FiniteDifference.check(shape: [3, 16], parameters: layer.learnt) { x, pass in try layer(layer(x, pass), pass) }
    }

    /// An inference pass writes over an addend where it was told that nobody needs it, and only there; a recorded one never
    /// does. The result is the same.
    @Test func addendsAreOverwrittenWhereNobodyNeedsThem() throws {
        let layers = [try Linear(24, 96), try Linear(96, 24)]
        for (index, layer) in layers.enumerated() { fill(layer, seed: 200 + 10 * UInt64(index)) }
        let x = try tensor([2, 900, 24], seed: 220)
        let wide = try tensor([2, 900, 96], seed: 221)
        let untouched = try tensor([2, 900, 24], seed: 222).values
        for kind in ["linear", "perceptron"] {
            func run(_ pass: ForwardPass, overwriting: Bool) throws -> (result: [Float], addend: [Float]) {
                let addend = try tensor([2, 900, 24], seed: 222)
                let y =
                    kind == "linear"
                    ? try layers[1](wide, pass, adding: addend, overwriting: overwriting)
                    : try pass.perceptron(
                        x, widening: layers[0], narrowing: layers[1], adding: addend, overwriting: overwriting)
                return (y.values, addend.values)
            }
            let kept = try run(ForwardPass(.evaluation), overwriting: false)
            let over = try run(ForwardPass(.evaluation), overwriting: true)
            let recorded = try run(ForwardPass(.evaluation, recordingOn: Tape()), overwriting: true)
            #expect(kept.addend == untouched && recorded.addend == untouched)
            #expect(over.result == kept.result && over.addend == over.result)
            #expect(difference(recorded.result, kept.result) < 1e-5)
        }
    }

    @Test func precisionsConvert() throws {
        let x = try Tensor([1, -2.5, 0.375, 1e-3], shape: [2, 2])
        let narrow = try x.converted(to: .bfloat16)
        #expect(narrow.precision == .bfloat16 && narrow.shape == x.shape)
        #expect(zip(narrow.values, x.values).allSatisfy { abs($0 - $1) <= abs($1) / 256 })
        #expect(try narrow.rows(1..<2).values == Array(narrow.values[2...]))
        #expect(try Tensor.concatenated([narrow, narrow]).values == narrow.values + narrow.values)
        #expect(try x.converted(to: .float32) === x)
        #expect(throws: EngineError.self) { try Tensor.concatenated([narrow, x]) }
    }
}
