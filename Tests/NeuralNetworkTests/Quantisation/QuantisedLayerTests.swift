import NeuralNetwork
import Testing

/// Products in 8 bits against the same integers added up one by one.
@Suite(.enabled(if: EngineSetup.hasInt8, "the processor has no exact 8-bit products")) struct QuantisedLayerTests {
    /// Steps of activations: nearest, ties to even, within the range.
    private static func rounded(_ x: [Float], limit: Float, isSigned: Bool) -> [Int] {
        let step = limit / (isSigned ? 127 : 255)
        let inverse = 1 / step
        let (low, high): (Float, Float) = isSigned ? (-127, 127) : (0, 255)
        return x.map { number -> Int in
            let steps: Float = min(max(number * inverse, low), high)
            return Int(steps.rounded(.toNearestOrEven))
        }
    }

    /// Weights of each output by their own step.
    private static func rounded(weights: [Float], outputs: Int) -> (values: [Int], steps: [Float]) {
        let width = weights.count / outputs
        let steps = (0..<outputs).map { row in
            weights[row * width..<(row + 1) * width].reduce(Float(0)) { max($0, abs($1)) } / 127
        }
        let values = weights.indices.map { place -> Int in
            let inverse: Float = 1 / steps[place / width]
            return Int((weights[place] * inverse).rounded(.toNearestOrEven))
        }
        return (values, steps)
    }

    /// Of rows of 32 with 48 rows of weights.
    private static func products(_ source: [Int], _ weights: [Int], rows: Int) -> [Int] {
        var sums: [Int] = []
        for row in 0..<rows {
            for output in 0..<48 {
                var sum = 0
                for inner in 0..<32 { sum += source[row * 32 + inner] * weights[output * 32 + inner] }
                sums.append(sum)
            }
        }
        return sums
    }

    /// scale · sum + bias for each output. Every sum may be off by less than half of one: it is an integer's.
    private static func expect(
        _ seen: [Float], equal sums: [Int], scales: [Float], bias: [Float], then finish: (Double, Int) -> Double,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        #expect(seen.count == sums.count, sourceLocation: sourceLocation)
        for (place, sum) in sums.enumerated() {
            let output = place % scales.count
            let wanted = finish(Double(scales[output]) * Double(sum) + Double(bias[output]), place)
            guard abs(Double(seen[place]) - wanted) < 0.4 * Double(scales[output]) else {
                Issue.record("number \(place): \(seen[place]), not \(wanted)", sourceLocation: sourceLocation)
                return
            }
        }
    }

    @Test(arguments: [false, true], [1, 5, 64]) func linearLayersAddIntegers(isSigned: Bool, rows: Int) throws {
        let network = try TwoLayers()
        let limit: Float = 0.8
        let quantised = try QuantisedNetwork(
            network.calibration([("linear.weight", limit, isSigned)]), of: network, named: "two",
            parameters: network.parameters())
        // Some numbers lie beyond the limit, and half are negative.
        let x = FiniteDifference.numbers(rows * 32, seed: 3)
        let addend = FiniteDifference.numbers(rows * 48, seed: 4)
        let pass = ForwardPass(inferringIn: .float32, quantised)
        let source = Self.rounded(x, limit: limit, isSigned: isSigned)
        let weights = Self.rounded(weights: network.linear.weight.values, outputs: 48)
        let sums = Self.products(source, weights.values, rows: rows)
        let scales = weights.steps.map { $0 * (limit / (isSigned ? 127 : 255)) }
        let bias = try #require(network.linear.bias).values
        let plain = try network.linear(Tensor(x, shape: [rows, 32]), pass)
        Self.expect(plain.values, equal: sums, scales: scales, bias: bias) { sum, _ in sum }
        let active = try network.linear(Tensor(x, shape: [rows, 32]), pass, activation: .relu)
        Self.expect(active.values, equal: sums, scales: scales, bias: bias) { sum, _ in max(0, sum) }
        let added = try network.linear(
            Tensor(x, shape: [rows, 32]), pass, adding: Tensor(addend, shape: [rows, 48]))
        Self.expect(added.values, equal: sums, scales: scales, bias: bias) { $0 + Double(addend[$1]) }
        // What bf16 holds is read as it is.
        if EngineSetup.hasBFloat16 {
            let narrow = try Tensor(x, shape: [rows, 32]).converted(to: .bfloat16)
            let read = Self.rounded(narrow.values, limit: limit, isSigned: isSigned)
            let sums = Self.products(read, weights.values, rows: rows)
            let half = ForwardPass(inferringIn: .bfloat16, quantised)
            let seen = try network.linear(narrow, half, result: .float32)
            Self.expect(seen.values, equal: sums, scales: scales, bias: bias) { sum, _ in sum }
        }
    }

    @Test(arguments: [(3, 1), (3, 2), (1, 1)], [false, true])
    func convolutionsAddIntegers(kernelAndStride: (Int, Int), isSigned: Bool) throws {
        let (kernel, stride) = kernelAndStride
        let network = try TwoLayers(kernel: kernel, stride: stride)
        let limit: Float = 0.9
        let quantised = try QuantisedNetwork(
            network.calibration([("convolution.weight", limit, isSigned)]), of: network, named: "two",
            parameters: network.parameters())
        let (height, width) = (7, 6)
        let x = FiniteDifference.numbers(2 * height * width * 8, seed: 5)
        let source = Self.rounded(x, limit: limit, isSigned: isSigned)
        let weights = Self.rounded(weights: network.convolution.weight.values, outputs: 32)
        let (outH, outW) = ((height - 1) / stride + 1, (width - 1) / stride + 1)
        var sums: [Int] = []
        for image in 0..<2 {
            for row in 0..<outH {
                for column in 0..<outW {
                    for output in 0..<32 {
                        var sum = 0
                        for (dy, dx) in (0..<kernel * kernel).map({ ($0 / kernel, $0 % kernel) }) {
                            let (y, x) = (row * stride + dy - kernel / 2, column * stride + dx - kernel / 2)
                            guard (0..<height).contains(y), (0..<width).contains(x) else { continue }
                            for channel in 0..<8 {
                                sum +=
                                    source[((image * height + y) * width + x) * 8 + channel]
                                    * weights.values[((output * 8 + channel) * kernel + dy) * kernel + dx]
                            }
                        }
                        sums.append(sum)
                    }
                }
            }
        }
        let scales = weights.steps.map { $0 * (limit / (isSigned ? 127 : 255)) }
        let bias = try #require(network.convolution.bias).values
        let pass = ForwardPass(inferringIn: .float32, quantised)
        let input = try Tensor(x, shape: [2, height, width, 8])
        let plain = try network.convolution(input, pass)
        #expect(plain.shape == [2, outH, outW, 32])
        Self.expect(plain.values, equal: sums, scales: scales, bias: bias) { sum, _ in sum }
        let addend = FiniteDifference.numbers(sums.count, seed: 6)
        let residual = try network.convolution(
            input, pass, norm: nil, activation: .relu, adding: Tensor(addend, shape: plain.shape))
        Self.expect(residual.values, equal: sums, scales: scales, bias: bias) { max(0, $0 + Double(addend[$1])) }
    }

    /// Numbers of threads and of rows change neither sums nor weights.
    @Test func threadsAndBatchesGiveTheSameBits() async throws {
        let network = try TwoLayers()
        let quantised = try QuantisedNetwork(
            network.calibration([("convolution.weight", 1, true), ("linear.weight", 2, false)]), of: network, named: "two",
            parameters: network.parameters())
        let frozen = Frozen(network)
        let x = FiniteDifference.numbers(4 * 9 * 9 * 8, seed: 8)
        func run(_ threads: Int, _ images: Range<Int>) throws -> [Float] {
            ComputeThreads.set(threads)
            let input = try Tensor(Array(x[images.lowerBound * 648..<images.upperBound * 648]), shape: [images.count, 9, 9, 8])
            return try frozen { try $0(input, ForwardPass(inferringIn: .float32, quantised)).values }
        }
        let expected = try run(1, 0..<4)
        let results = try await withThrowingTaskGroup(of: [Float].self) { group in
            for threads in [1, 2, 3, 1] { group.addTask { try run(threads, 0..<4) } }
            group.addTask { try run(1, 0..<1) + run(2, 1..<4) }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(results.count == 5 && results.allSatisfy { $0 == expected })
    }
}
