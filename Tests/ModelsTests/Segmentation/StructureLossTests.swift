import Foundation
import Models
import NeuralNetwork
import Testing

@Suite struct StructureLossTests {
    private let height = 40
    private let width = 37

    private func numbers(_ seed: UInt64) -> [Float] {
        var random = CounterRandom(seed: seed)
        return (0..<2 * height * width).map { _ in Float(4 * random.uniform() - 2) }
    }

    private var masks: [Float] {
        (0..<2 * height * width).map { index in
            let (y, x) = (index / width % height, index % width)
            return (10..<25).contains(y) && (5 + index / (height * width) * 8..<22).contains(x) ? 1 : 0
        }
    }

    /// The formula as it is written, window by window.
    private func expected(_ logits: [Float]) -> Double {
        var sum = 0.0
        let masks = masks
        for image in 0..<2 {
            var (entropy, weights, common, total) = (0.0, 0.0, 0.0, 0.0)
            for y in 0..<height {
                for x in 0..<width {
                    var inside = 0.0
                    for row in max(0, y - 15)...min(height - 1, y + 15) {
                        for column in max(0, x - 15)...min(width - 1, x + 15) {
                            inside += Double(masks[(image * height + row) * width + column])
                        }
                    }
                    let place = (image * height + y) * width + x
                    let (m, z) = (Double(masks[place]), Double(logits[place]))
                    let p = 1 / (1 + exp(-z))
                    let w = 1 + 5 * abs(inside / 961 - m)
                    entropy -= w * (m * log(p) + (1 - m) * log(1 - p))
                    weights += w
                    common += p * m * w
                    total += (p + m) * w
                }
            }
            sum += entropy / weights + 1 - (common + 1) / (total - common + 1)
        }
        return sum / 2
    }

    @Test func isTheFormula() throws {
        let loss = try StructureLoss(masks: Tensor(masks, shape: [2, height, width, 1]))
        let logits = numbers(3)
        let seen = try loss(Tensor(logits, shape: [2, height, width, 1]))
        #expect(abs(Double(seen.value) - expected(logits)) < 1e-5)
        let gradient = seen.gradient.values
        for place in [0, 15 * width + 12, 24 * width + 21, height * width + 10 * width + 13, 2 * height * width - 1] {
            var (above, below) = (logits, logits)
            above[place] += 0.01
            below[place] -= 0.01
            let slope = (expected(above) - expected(below)) / 0.02
            #expect(abs(Double(gradient[place]) - slope) < 1e-3 * abs(slope) + 1e-9)
        }
    }

    @Test func isNearZeroOnlyForTheMaskItself() throws {
        let loss = try StructureLoss(masks: Tensor(masks, shape: [2, height, width, 1]))
        func value(_ factor: Float) throws -> Float {
            try loss(Tensor(masks.map { factor * (2 * $0 - 1) }, shape: [2, height, width, 1])).value
        }
        #expect(try value(30) < 1e-4)
        #expect(try value(-30) > 10)
        // Large logits overflow nothing.
        #expect(try value(-1000).isFinite)
        #expect(throws: EngineError.self) { try loss(Tensor([0], shape: [1, 1, 1, 1])) }
        #expect(throws: EngineError.self) { try StructureLoss(masks: Tensor([0, 0], shape: [1, 2])) }
    }
}
