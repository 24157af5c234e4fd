import Foundation
import NeuralNetwork
import Testing

/// Linear layers and convolutions of inference passes, which one kernel computes with bias, addend and activation, against
/// the sums themselves. In bf16 a processor with a matrix unit takes another way than one without.
@Suite struct InferenceProductTests {
    struct Product: CustomTestStringConvertible, Sendable {
        var (rows, outputs, inputs): (Int, Int, Int)
        var testDescription: String { "\(rows)×\(inputs) · \(inputs)×\(outputs)" }
    }

    /// Rows, columns and inner numbers that fill no tile, one tile, and more pieces of work than there are threads.
    private static let products = [(1, 1, 32), (17, 70, 96), (33, 160, 320), (785, 96, 64), (64, 2304, 32), (5, 33, 40)]
        .map { Product(rows: $0.0, outputs: $0.1, inputs: $0.2) }

    private static func rounded(_ numbers: [Float], _ precision: Precision) throws -> [Float] {
        try Tensor(numbers, shape: [numbers.count]).converted(to: precision).values
    }

    private static func apply(_ activation: PostOperation, _ x: Double) -> Double {
        switch activation {
        case .none: x
        case .relu: max(0, x)
        case .tanh: tanh(x)
        case .geluErf: 0.5 * x * (1 + erf(x / 2.0.squareRoot()))
        case .relu6: min(6, max(0, x))
        }
    }

    /// Whether numbers are what they should be, to the last bits of what they are kept in. Sums are fp32. GELU in bf16 is
    /// right to 8e-5 besides, and where it takes a sweep of its own it reads rounded sums.
    private static func expectClose(
        _ seen: [Float], _ wanted: [Double], kept precision: Precision, after activation: PostOperation = .none
    ) {
        let limit = precision == .float32 ? 2e-5 : activation == .geluErf ? 2e-2 : 6e-3
        #expect(seen.count == wanted.count)
        #expect(zip(seen, wanted).allSatisfy { abs(Double($0) - $1) <= limit * max(0.05, abs($1)) })
    }

    @Test(arguments: products, Precision.allCases)
    func linearLayersEqualTheSums(product: Product, precision: Precision) throws {
        guard precision == .float32 || EngineSetup.hasBFloat16 else { try Test.cancel("the processor does not multiply bf16") }
        let (rows, outputs, inputs) = (product.rows, product.outputs, product.inputs)
        let layer = try Linear(inputs, outputs)
        let weights = FiniteDifference.numbers(outputs * inputs, seed: 1).map { $0 / Float(inputs).squareRoot() }
        let bias = FiniteDifference.numbers(outputs, seed: 2)
        layer.weight.set(weights)
        try #require(layer.bias).set(bias)
        let numbers = FiniteDifference.numbers(rows * inputs, seed: 3)
        let addend = FiniteDifference.numbers(rows * outputs, seed: 4)
        let (a, b) = (try Self.rounded(numbers, precision), try Self.rounded(weights, precision))
        var sums = [Double](repeating: 0, count: rows * outputs)
        for row in 0..<rows {
            for column in 0..<outputs {
                var sum = Double(bias[column])
                for i in 0..<inputs { sum += Double(a[row * inputs + i]) * Double(b[column * inputs + i]) }
                sums[row * outputs + column] = sum
            }
        }
        let pass = ForwardPass(.evaluation, precision: precision)
        let x = try Tensor(numbers, shape: [rows, inputs])
        for kept in Set([.float32, precision]) {
            for activation in [PostOperation.none, .relu, .tanh, .geluErf] {
                let y = try pass.linear(
                    x, weight: layer.weight, bias: layer.bias, activation: activation, result: kept)
                Self.expectClose(y.values, sums.map { Self.apply(activation, $0) }, kept: kept, after: activation)
            }
            let added = try Tensor(addend, shape: [rows, outputs]).converted(to: kept)
            let y = try pass.linear(x, weight: layer.weight, bias: layer.bias, adding: added)
            #expect(y.precision == kept)
            Self.expectClose(y.values, zip(sums, added.values).map { $0 + Double($1) }, kept: kept)
        }
    }

    struct Convolution: CustomTestStringConvertible, Sendable {
        var (inputs, outputs, kernel, stride, padding, height, width): (Int, Int, Int, Int, Int, Int, Int)
        var testDescription: String {
            "\(inputs) to \(outputs), \(kernel)×\(kernel)/\(stride) with \(padding) around \(height)×\(width)"
        }
    }

    /// Patches, a kernel without a border, steps over pixels, a border; lines that fill no tile.
    private static let convolutions = [
        (64, 48, 4, 4, 0, 12, 76), (32, 33, 3, 1, 0, 7, 20), (96, 64, 1, 2, 0, 9, 70), (32, 64, 3, 2, 1, 11, 13),
        (64, 32, 1, 1, 0, 5, 6),
    ].map {
        Convolution(inputs: $0.0, outputs: $0.1, kernel: $0.2, stride: $0.3, padding: $0.4, height: $0.5, width: $0.6)
    }

    @Test(arguments: convolutions, Precision.allCases)
    func convolutionsEqualTheSums(c: Convolution, precision: Precision) throws {
        guard precision == .float32 || EngineSetup.hasBFloat16 else { try Test.cancel("the processor does not multiply bf16") }
        let geometry = ConvolutionGeometry(stride: c.stride, padding: c.padding)
        let layer = try Conv2d(c.inputs, c.outputs, kernel: c.kernel, geometry: geometry, hasBias: true)
        let size = c.inputs * c.kernel * c.kernel
        let weights = FiniteDifference.numbers(c.outputs * size, seed: 1).map { $0 / Float(size).squareRoot() }
        let bias = FiniteDifference.numbers(c.outputs, seed: 2)
        layer.weight.set(weights)
        try #require(layer.bias).set(bias)
        let numbers = FiniteDifference.numbers(2 * c.height * c.width * c.inputs, seed: 3)
        let (a, b) = (try Self.rounded(numbers, precision), try Self.rounded(weights, precision))
        let down = geometry.outputExtent(c.height, kernel: c.kernel), across = geometry.outputExtent(c.width, kernel: c.kernel)
        var sums: [Double] = []
        for place in 0..<2 * down * across {
            let (image, y, x) = (place / (down * across), place / across % down, place % across)
            for o in 0..<c.outputs {
                var sum = Double(bias[o])
                for t in 0..<c.kernel * c.kernel {
                    let (row, column) = (y * c.stride + t / c.kernel - c.padding, x * c.stride + t % c.kernel - c.padding)
                    guard (0..<c.height).contains(row), (0..<c.width).contains(column) else { continue }
                    let from = ((image * c.height + row) * c.width + column) * c.inputs
                    for i in 0..<c.inputs {
                        sum += Double(a[from + i]) * Double(b[(o * c.inputs + i) * c.kernel * c.kernel + t])
                    }
                }
                sums.append(sum)
            }
        }
        let x = try Tensor(numbers, shape: [2, c.height, c.width, c.inputs])
        for activation in [PostOperation.none, .relu, .geluErf] {
            let y = try layer(x, ForwardPass(.evaluation, precision: precision), norm: nil, activation: activation)
            Self.expectClose(y.values, sums.map { Self.apply(activation, $0) }, kept: y.precision, after: activation)
        }
    }

    /// More rows than one strip has, and a last strip that is not full; every row equals the two layers' own.
    @Test(arguments: Precision.allCases) func perceptronsInStripsEqualTheirLayers(precision: Precision) throws {
        guard precision == .float32 || EngineSetup.hasBFloat16 else { try Test.cancel("the processor does not multiply bf16") }
        let (widening, narrowing) = (try Linear(64, 1024), try Linear(1024, 32))
        for (seed, layer) in [widening, narrowing].enumerated() {
            let size = Float(layer.weight.shape[1])
            layer.weight.set(FiniteDifference.numbers(layer.weight.count, seed: UInt64(seed)).map { $0 / size.squareRoot() })
            try #require(layer.bias).set(FiniteDifference.numbers(layer.weight.shape[0], seed: UInt64(seed + 2)))
        }
        let x = try Tensor(FiniteDifference.numbers(3 * 611 * 64, seed: 5), shape: [3, 611, 64])
        let addend = try Tensor(FiniteDifference.numbers(3 * 611 * 32, seed: 6), shape: [3, 611, 32])
        let pass = ForwardPass(.evaluation, precision: precision)
        let wanted = try narrowing(widening(x, pass, activation: .geluErf), pass, adding: addend)
        let seen = try pass.perceptron(x, widening: widening, narrowing: narrowing, adding: addend)
        #expect(seen.precision == .float32 && seen.shape == addend.shape)
        Self.expectClose(seen.values, wanted.values.map(Double.init), kept: .float32)
        #expect(throws: EngineError.self) {
            try pass.perceptron(x, widening: widening, narrowing: widening, adding: addend)
        }
    }

    /// The last bits do not depend on who computes which piece. In fp32 that is oneDNN's affair: its kernels without
    /// AVX-512 divide sums by threads, which is why a slot's number of threads is part of a job's numeric setup.
    @Test func areTheSameForAnyNumberOfThreads() throws {
        guard EngineSetup.hasBFloat16 else { try Test.cancel("the processor does not multiply bf16") }
        let layer = try Linear(96, 300)
        layer.weight.set(FiniteDifference.numbers(300 * 96, seed: 1))
        let x = try Tensor(FiniteDifference.numbers(900 * 96, seed: 2), shape: [900, 96])
        let threads = ComputeThreads.current
        defer { ComputeThreads.set(threads) }
        var results: [[Float]] = []
        for count in [1, 2, 7] {
            ComputeThreads.set(count)
            results.append(try layer(x, ForwardPass(.evaluation, precision: .bfloat16), activation: .geluErf).values)
        }
        #expect(results.allSatisfy { $0 == results[0] })
    }
}
