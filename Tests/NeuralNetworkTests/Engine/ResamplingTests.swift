import NeuralNetwork
import Testing

/// Resizing and pooling to a size against PyTorch's results on 3×4 numbers i^1.5, and their gradients.
@Suite struct ResamplingTests {
    static let numbers = (0..<12).map { Float($0) * Float($0).squareRoot() }

    private func expect(_ seen: Tensor, _ shape: [Int], _ numbers: [Float], _ place: SourceLocation = #_sourceLocation) {
        #expect(seen.shape == shape, sourceLocation: place)
        for (a, b) in zip(seen.values, numbers) { #expect(abs(a - b) < 1e-4, sourceLocation: place) }
    }

    @Test func alignedCorners() throws {
        let x = try Tensor(Self.numbers, shape: [1, 3, 4, 1])
        let pass = ForwardPass(.evaluation)
        expect(
            try pass.resized(x, height: 5, width: 3, alignsCorners: true), [1, 5, 3, 1],
            [
                0.0, 1.9142, 5.1962, 4.0, 7.4264, 11.8582, 8.0, 12.9386, 18.5203, 15.3137, 21.125, 27.5016, 22.6274,
                29.3114, 36.4829,
            ])
        expect(
            try pass.resized(x, height: 2, width: 7, alignsCorners: true), [1, 2, 7, 1],
            [
                0.0, 0.5, 1.0, 1.9142, 2.8284, 4.0123, 5.1962, 22.6274, 24.8137, 27.0, 29.3114, 31.6228, 34.0528,
                36.4829,
            ])
        expect(try pass.resized(x, height: 3, width: 4, alignsCorners: true), [1, 3, 4, 1], Self.numbers)
        expect(try pass.resized(x, height: 1, width: 1, alignsCorners: true), [1, 1, 1, 1], [0])
    }

    @Test func alignedSides() throws {
        let x = try Tensor(Self.numbers, shape: [1, 3, 4, 1])
        let pass = ForwardPass(.evaluation)
        expect(
            try pass.resized(x, height: 5, width: 3, alignsCorners: false), [1, 5, 3, 1],
            [
                0.1667, 1.9142, 4.8015, 3.512, 6.324, 10.0341, 8.5301, 12.9386, 17.883, 17.4257, 22.7623, 28.5569,
                23.3562, 29.3114, 35.6729,
            ])
        expect(
            try pass.resized(x, height: 2, width: 7, alignsCorners: false), [1, 2, 7, 1],
            [
                2.0, 2.5518, 3.4347, 4.6703, 5.9907, 7.5516, 8.5272, 18.9706, 20.4257, 22.754, 25.2182, 27.72, 30.349,
                31.9922,
            ])
    }

    @Test func nearest() throws {
        let x = try Tensor(Self.numbers, shape: [1, 3, 4, 1])
        expect(
            try ForwardPass(.evaluation).resizedToNearest(x, height: 2, width: 7), [1, 2, 7, 1],
            [0.0, 0.0, 1.0, 1.0, 2.8284, 2.8284, 5.1962, 8.0, 8.0, 11.1803, 11.1803, 14.6969, 14.6969, 18.5203])
    }

    @Test func adaptiveAverage() throws {
        let x = try Tensor(Self.numbers, shape: [1, 3, 4, 1])
        let pass = ForwardPass(.evaluation)
        expect(
            try pass.adaptiveAveragePool(x, height: 2, width: 3), [1, 2, 3, 1],
            [5.0451, 7.4264, 10.3104, 17.2019, 21.125, 25.3307])
        expect(
            try pass.adaptiveAveragePool(x, height: 5, width: 2), [1, 5, 2, 1],
            [0.5, 4.0123, 5.0451, 10.3104, 9.5902, 16.6086, 17.2019, 25.3307, 24.8137, 34.0528])
    }

    /// Images and channels are each treated alone.
    @Test func imagesAndChannelsDoNotMix() throws {
        let plain = try Tensor(Self.numbers, shape: [1, 3, 4, 1])
        let many = try Tensor.filled([2, 3, 4, 2]) { memory in
            for image in 0..<2 {
                for pixel in 0..<12 {
                    for channel in 0..<2 {
                        memory[(image * 12 + pixel) * 2 + channel] = Self.numbers[pixel] * Float(1 + image + 2 * channel)
                    }
                }
            }
        }
        let pass = ForwardPass(.evaluation)
        let one = try pass.resized(plain, height: 5, width: 7, alignsCorners: false).values
        let all = try pass.resized(many, height: 5, width: 7, alignsCorners: false).values
        for index in all.indices {
            let (image, pixel, channel) = (index / 70, index / 2 % 35, index % 2)
            #expect(abs(all[index] - one[pixel] * Float(1 + image + 2 * channel)) < 1e-4)
        }
    }

    @Test(arguments: [(5, 3), (9, 14), (6, 1)])
    func gradients(height: Int, width: Int) throws {
        let shape = [2, 6, 5, 3]
        for aligned in [true, false] {
            try FiniteDifference.check(shape: shape) { x, pass in
                try pass.resized(x, height: height, width: width, alignsCorners: aligned)
            }
        }
        try FiniteDifference.check(shape: shape) { x, pass in
            try pass.resizedToNearest(x, height: height, width: width)
        }
        try FiniteDifference.check(shape: shape) { x, pass in
            try pass.adaptiveAveragePool(x, height: height, width: width)
        }
    }

    @Test func refusesOtherShapes() throws {
        let pass = ForwardPass(.evaluation)
        let vector = try Tensor([1, 2], shape: [1, 2])
        #expect(throws: EngineError.self) { try pass.resized(vector, height: 2, width: 2, alignsCorners: true) }
        let image = try Tensor([1, 2], shape: [1, 1, 2, 1])
        #expect(throws: EngineError.self) { try pass.resizedToNearest(image, height: 0, width: 2) }
    }

    /// Bins of an adaptive pool without the outermost ones, as similarity aggregation takes them.
    @Test func someResultsOfAnAxis() throws {
        let x = try Tensor(FiniteDifference.numbers(9 * 13 * 2, seed: 3), shape: [1, 9, 13, 2])
        let pass = ForwardPass(.evaluation)
        let all = try pass.adaptiveAveragePool(x, height: 6, width: 6).values
        let inner = try pass.resampled(
            x, rows: .average(from: 9, to: 6).results(1..<5), columns: .average(from: 13, to: 6).results(1..<5))
        #expect(inner.shape == [1, 4, 4, 2])
        for (index, value) in inner.values.enumerated() {
            let (row, column, channel) = (index / 8 + 1, index / 2 % 4 + 1, index % 2)
            #expect(value == all[(row * 6 + column) * 2 + channel])
        }
        #expect(throws: EngineError.self) {
            try pass.resampled(x, rows: .average(from: 8, to: 6), columns: .average(from: 13, to: 6))
        }
    }

    /// A side's weights sum to one everywhere: constants stay as they are.
    @Test(arguments: [(1, 7), (7, 1), (5, 5), (44, 352), (352, 44), (13, 6)])
    func constantsStay(sources: Int, results: Int) throws {
        let x = try Tensor([Float](repeating: 0.7, count: sources * sources), shape: [1, sources, sources, 1])
        let pass = ForwardPass(.evaluation)
        for y in try [
            pass.resized(x, height: results, width: results, alignsCorners: true),
            pass.resized(x, height: results, width: results, alignsCorners: false),
            pass.resizedToNearest(x, height: results, width: results),
            pass.adaptiveAveragePool(x, height: results, width: results),
        ] {
            #expect(y.values.allSatisfy { abs($0 - 0.7) < 1e-6 })
        }
    }
}
