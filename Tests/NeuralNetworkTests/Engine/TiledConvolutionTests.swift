import NeuralNetwork
import Testing

/// 3×3 convolutions of inference passes, by tiles where they are large enough, against the recorded pass's kernels.
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

    /// The same by the kernels of a pass that records.
    private static func expected(_ layer: Layer, _ x: Tensor, adding addend: Tensor?, relu: Bool) throws -> [Float] {
        let pass = ForwardPass(.evaluation, recordingOn: Tape())
        return try layer.convolution(
            x, pass, norm: layer.norm, activation: relu ? .relu : .none, adding: addend
        ).values
    }

    /// Whole tiles, tiles cut at the edges, maps of one block, of many and of a part of one; several images.
    @Test(
        arguments: [[1, 16, 16, 32], [3, 17, 22, 16], [1, 13, 64, 48], [2, 40, 52, 16], [1, 3, 64, 16]], Precision.allCases)
    func equalsTheSum(shape: [Int], precision: Precision) throws {
        guard precision == .float32 || EngineSetup.hasBFloat16 else { return }
        let layer = try Layer(shape[3], 64)
        let x = try Tensor(FiniteDifference.numbers(shape.reduce(1, *), seed: 6), shape: shape).converted(to: precision)
        let made = Array(shape.dropLast()) + [64]
        let addend = try Tensor(FiniteDifference.numbers(made.reduce(1, *), seed: 7), shape: made).converted(to: precision)
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
            layer.convolution.weight.set(FiniteDifference.numbers(layer.convolution.weight.count, seed: seed).map { $0 / 8 })
            let seen = try layer.convolution(x, ForwardPass(.evaluation)).values
            let wanted = try layer.convolution(x, ForwardPass(.evaluation, recordingOn: Tape())).values
            #expect(zip(seen, wanted).allSatisfy { abs($0 - $1) <= 2e-5 })
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
