import Foundation
import NeuralNetwork
import Testing

@Suite struct RefinementTests {
    /// The method written down once more, pixel by pixel, in double.
    private static func plainly(
        _ image: [Float], _ mask: [Float], height: Int, width: Int, channels: Int, kinds: Int,
        _ refinement: PixelAdaptiveRefinement
    ) -> [Double] {
        var steps: [(Int, Int)] = []
        for d in refinement.dilations {
            for y in -1...1 { for x in -1...1 where (x, y) != (0, 0) { steps.append((y * d, x * d)) } }
        }
        let count = Double(steps.count)
        func deviation(_ numbers: [Double]) -> Double {
            let mean = numbers.reduce(0, +) / count
            return (numbers.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / (count - 1)).squareRoot()
        }
        func softmax(_ numbers: [Double]) -> [Double] {
            let powers = numbers.map { exp($0 - (numbers.max() ?? 0)) }
            return powers.map { $0 / powers.reduce(0, +) }
        }
        func place(_ y: Int, _ x: Int) -> Int { min(max(0, y), height - 1) * width + min(max(0, x), width - 1) }
        let distances = steps.map { Double($0.0 * $0.0 + $0.1 * $0.1).squareRoot() }
        let near = softmax(distances.map { -pow($0 / (deviation(distances) + 1e-8) / 0.3, 2) })
        var result = mask.map(Double.init)
        var weights: [[Double]] = []
        for pixel in 0..<height * width {
            let (y, x) = (pixel / width, pixel % width)
            var sums = [Double](repeating: 0, count: steps.count)
            for c in 0..<channels {
                let around = steps.map { Double(image[place(y + $0.0, x + $0.1) * channels + c]) }
                let spread = deviation(around) + 1e-8
                for (n, value) in around.enumerated() {
                    sums[n] -= pow((value - Double(image[pixel * channels + c])) / spread / 0.3, 2) / Double(channels)
                }
            }
            weights.append(zip(softmax(sums), near).map { $0 + 0.01 * $1 })
        }
        for _ in 0..<refinement.iterations {
            let before = result
            for pixel in 0..<height * width {
                for kind in 0..<kinds {
                    result[pixel * kinds + kind] = zip(steps, weights[pixel]).reduce(0) { sum, pair in
                        let (step, weight) = pair
                        return sum + weight * before[place(pixel / width + step.0, pixel % width + step.1) * kinds + kind]
                    }
                }
            }
        }
        return result
    }

    @Test(arguments: [PixelAdaptiveRefinement(dilations: [1, 3], iterations: 4), PixelAdaptiveRefinement(iterations: 2)])
    func agreesWithThePlainLoops(refinement: PixelAdaptiveRefinement) throws {
        let (height, width) = (9, 70)
        let image = FiniteDifference.numbers(2 * height * width * 3, seed: 1)
        let mask = FiniteDifference.numbers(2 * height * width * 2, seed: 2)
        let ours = try refinement(
            images: Tensor(image, shape: [2, height, width, 3]), masks: Tensor(mask, shape: [2, height, width, 2]))
        #expect(ours.shape == [2, height, width, 2])
        for n in 0..<2 {
            let theirs = Self.plainly(
                Array(image[n * height * width * 3..<(n + 1) * height * width * 3]),
                Array(mask[n * height * width * 2..<(n + 1) * height * width * 2]), height: height, width: width,
                channels: 3, kinds: 2, refinement)
            for (a, b) in zip(ours.values[n * height * width * 2..<(n + 1) * height * width * 2], theirs) {
                #expect(abs(Double(a) - b) < 1e-5)
            }
        }
    }

    /// A mask that spills over an edge is drawn back to it: two halves of an image, one bright.
    @Test func followsEdges() throws {
        let (height, width) = (24, 32)
        let image = try Tensor.filled([1, height, width, 3]) { memory in
            for place in memory.indices { memory[place] = place / 3 % width < 16 ? 0 : 1 }
        }
        let mask = try Tensor.filled([1, height, width, 1]) { memory in
            for place in memory.indices { memory[place] = place % width < 19 ? 1 : 0 }
        }
        let refined = try PixelAdaptiveRefinement()(images: image, masks: mask).values
        let middle = height / 2 * width
        #expect(refined[middle + 17] < 0.5, "what spilt is taken back")
        #expect(refined[middle + 15] > 0.9, "what lies on its own side stays")
    }

    @Test func threadsChangeNothing() throws {
        let image = try Tensor(FiniteDifference.numbers(40 * 30 * 3, seed: 3), shape: [1, 40, 30, 3])
        let mask = try Tensor(FiniteDifference.numbers(20 * 15 * 2, seed: 4), shape: [1, 20, 15, 2])
        let before = ComputeThreads.current
        defer { ComputeThreads.set(before) }
        ComputeThreads.set(1)
        let one = try PixelAdaptiveRefinement()(images: image, masks: mask).values
        ComputeThreads.set(2)
        #expect(try PixelAdaptiveRefinement()(images: image, masks: mask).values == one)
    }

    @Test func refusesWhatDoesNotFit() throws {
        let image = try Tensor.zeros([1, 8, 8, 3])
        let error = #expect(throws: EngineError.self) {
            try PixelAdaptiveRefinement()(images: image, masks: Tensor.zeros([2, 8, 8, 1]))
        }
        #expect(error?.code == .shapeMismatch)
        #expect(throws: EngineError.self) {
            try PixelAdaptiveRefinement(dilations: [0])(images: image, masks: Tensor.zeros([1, 8, 8, 1]))
        }
    }
}
