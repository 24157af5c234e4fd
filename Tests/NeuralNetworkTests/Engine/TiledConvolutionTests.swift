import NeuralNetwork
import Testing

/// 3×3 convolutions by tiles, where maps are large enough, against the plain sum.
@Suite struct TiledConvolutionTests {
    private struct Layer {
        let convolution: Conv2d
        let norm: BatchNorm

        init(_ inputs: Int, _ outputs: Int, hasBias: Bool = false) throws {
            convolution = try Conv2d(
                inputs, outputs, kernel: 3, geometry: ConvolutionGeometry(padding: 1), hasBias: hasBias)
            norm = try BatchNorm(outputs)
            convolution.weight.set(FiniteDifference.numbers(convolution.weight.count, seed: 1).map { $0 / 8 })
            convolution.bias?.set(FiniteDifference.numbers(outputs, seed: 2))
            norm.bias.set(FiniteDifference.numbers(outputs, seed: 3))
            norm.runningMean.set(FiniteDifference.numbers(outputs, seed: 4))
            norm.runningVariance.set(FiniteDifference.numbers(outputs, seed: 5).map { 1 + abs($0) })
        }
    }

    /// The sum itself, in fp64.
    private static func expected(_ layer: Layer, _ x: Tensor, adding addend: Tensor?, relu: Bool) throws -> [Float] {
        let (scale, shift) = normalisation(layer)
        let sums = convolved(x, layer.convolution.weight.values, layer.convolution.weight.shape)
        let outputs = scale.count
        let biases = layer.convolution.bias?.values ?? [Float](repeating: 0, count: outputs)
        let addends = addend?.values
        return sums.enumerated().map { index, sum in
            let channel = index % outputs
            let y = (sum + Double(biases[channel])) * scale[channel] + shift[channel] + Double(addends?[index] ?? 0)
            return Float(relu ? max(0, y) : y)
        }
    }

    private static func normalisation(_ layer: Layer) -> (scale: [Double], shift: [Double]) {
        let norm = layer.norm
        let (mean, variance) = (norm.runningMean.values, norm.runningVariance.values)
        let scale = zip(norm.weight.values, variance).map {
            Double($0) / (Double($1) + Double(norm.epsilon)).squareRoot()
        }
        return (scale, scale.indices.map { Double(norm.bias.values[$0]) - Double(mean[$0]) * scale[$0] })
    }

    /// 3×3 with a border of one zero: N,H,W,C with weights output, C, 3, 3.
    private static func convolved(_ x: Tensor, _ weights: [Float], _ shape: [Int]) -> [Double] {
        let (n, h, w, c, outputs) = (x.shape[0], x.shape[1], x.shape[2], x.shape[3], shape[0])
        let numbers = x.values
        // Place in the kernel, channel, output.
        var kernels = [Float](repeating: 0, count: weights.count)
        for o in 0..<outputs {
            for i in 0..<c { for t in 0..<9 { kernels[(t * c + i) * outputs + o] = weights[(o * c + i) * 9 + t] } }
        }
        var made = [Double](repeating: 0, count: n * h * w * outputs)
        for place in 0..<n * h * w {
            let (row, column) = (place / w % h, place % w)
            for t in 0..<9 {
                let (dy, dx) = (t / 3 - 1, t % 3 - 1)
                guard (0..<h).contains(row + dy), (0..<w).contains(column + dx) else { continue }
                for i in 0..<c {
                    let value = Double(numbers[(place + dy * w + dx) * c + i])
                    for o in 0..<outputs {
                        made[place * outputs + o] += value * Double(kernels[(t * c + i) * outputs + o])
                    }
                }
            }
        }
        return made
    }

    /// What a gradient becomes on its way back, and the recorded pass's results, for maps large enough for tiles.
    @Test(arguments: Precision.allCases)
    func carriesGradientsBack(precision: Precision) throws {
        guard precision == .float32 || EngineSetup.hasBFloat16 else { try Test.cancel("the processor does not multiply bf16") }
        let layer = try Layer(32, 64)
        let shape = [2, 18, 21]
        let x = try Tensor(FiniteDifference.numbers(shape.reduce(1, *) * 32, seed: 12), shape: shape + [32])
        let gradient = try Tensor(FiniteDifference.numbers(shape.reduce(1, *) * 64, seed: 13), shape: shape + [64])
        let tape = Tape()
        tape.watch(x)
        let y = try layer.convolution(x, ForwardPass(.training, recordingOn: tape, precision: precision))
        try tape.backward(from: [(y, gradient)])
        let limit: Double = precision == .float32 ? 2e-5 : 1e-2
        func agree(_ seen: [Float], _ wanted: [Double]) -> Bool {
            let largest = wanted.reduce(0) { max($0, abs($1)) }
            return largest > 0.5 && zip(seen, wanted).allSatisfy { abs(Double($0) - $1) <= limit * largest }
        }
        let weights = layer.convolution.weight.values
        #expect(agree(y.values, Self.convolved(x, weights, [64, 32, 3, 3])))
        // Back: each kernel turned round, inputs and outputs exchanged.
        var turned = [Float](repeating: 0, count: weights.count)
        for o in 0..<64 {
            for i in 0..<32 { for t in 0..<9 { turned[(i * 64 + o) * 9 + t] = weights[(o * 32 + i) * 9 + 8 - t] } }
        }
        #expect(agree(try #require(tape.gradient(of: x)).values, Self.convolved(gradient, turned, [32, 64, 3, 3])))
    }

    /// Whole tiles, tiles cut at the edges, maps of one block, of many and of a part of one; several images.
    @Test(
        arguments: [[1, 16, 16, 32], [3, 17, 22, 16], [1, 13, 64, 48], [2, 40, 52, 16], [1, 3, 64, 16]],
        Precision.allCases)
    func equalsTheSum(shape: [Int], precision: Precision) throws {
        guard precision == .float32 || EngineSetup.hasBFloat16 else { try Test.cancel("the processor does not multiply bf16") }
        let layer = try Layer(shape[3], 64)
        let x = try Tensor(FiniteDifference.numbers(shape.reduce(1, *), seed: 6), shape: shape).converted(to: precision)
        let made = Array(shape.dropLast()) + [64]
        let addend = try Tensor(FiniteDifference.numbers(made.reduce(1, *), seed: 7), shape: made).converted(
            to: precision)
        for (adds, relu) in [(false, false), (false, true), (true, true)] {
            let seen = try layer.convolution(
                x, ForwardPass(.evaluation, precision: precision), norm: layer.norm, activation: relu ? .relu : .none,
                adding: adds ? addend : nil
            ).values
            let wanted = try Self.expected(
                layer, x.converted(to: .float32), adding: adds ? addend.converted(to: .float32) : nil, relu: relu)
            let largest = wanted.reduce(Float(0)) { max($0, abs($1)) }
            let limit = largest * (precision == .float32 ? 2e-5 : 5e-3)
            #expect(largest > 0.5 && zip(seen, wanted).allSatisfy { abs($0 - $1) <= limit })
        }
    }

    /// Without a normalisation, with the layer's own bias; and the weights are made again after a change.
    @Test func followsItsWeights() throws {
        let layer = try Layer(16, 32, hasBias: true)
        let x = try Tensor(FiniteDifference.numbers(20 * 20 * 16, seed: 8), shape: [1, 20, 20, 16])
        for seed: UInt64 in [9, 10] {
            layer.convolution.weight.set(
                FiniteDifference.numbers(layer.convolution.weight.count, seed: seed).map { $0 / 8 })
            let seen = try layer.convolution(x, ForwardPass(.evaluation)).values
            let bias = layer.convolution.bias?.values ?? []
            let wanted = Self.convolved(x, layer.convolution.weight.values, layer.convolution.weight.shape)
            #expect(
                wanted.indices.allSatisfy { abs(Double(seen[$0]) - wanted[$0] - Double(bias[$0 % bias.count])) <= 2e-5 }
            )
        }
    }

    /// The last bits depend neither on the number of threads nor on the images beside.
    @Test func isTheSameForAnyNumberOfThreads() throws {
        let layer = try Layer(32, 32)
        let x = try Tensor(FiniteDifference.numbers(5 * 24 * 30 * 32, seed: 11), shape: [5, 24, 30, 32])
        let threads = ComputeThreads.current
        defer { ComputeThreads.set(threads) }
        var results: [[Float]] = []
        for count in [1, 2, 7] {
            ComputeThreads.set(count)
            results.append(try layer.convolution(x, ForwardPass(.evaluation), norm: layer.norm).values)
        }
        #expect(results.allSatisfy { $0 == results[0] })
        let alone = try layer.convolution(x.rows(3..<4), ForwardPass(.evaluation), norm: layer.norm).values
        #expect(alone[...] == results[0][(3 * alone.count)..<(4 * alone.count)])
    }
}
