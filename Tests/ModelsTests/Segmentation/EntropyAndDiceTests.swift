import Foundation
import Models
import NeuralNetwork
import Testing

@Suite struct EntropyAndDiceTests {
    private let masks: [Float] = (0..<2 * 6 * 5).map { [0, 1, 0.5][$0 * 7 % 3] }

    /// The formula as it is written.
    private func expected(_ logits: [Float]) -> Double {
        let p = logits.map { 1 / (1 + exp(-Double($0))) }
        var (entropy, common, total) = (0.0, 0.0, 0.0)
        for (p, m) in zip(p, masks.map(Double.init)) {
            entropy -= m * log(p) + (1 - m) * log(1 - p)
            common += p * m
            total += p + m
        }
        return entropy / Double(masks.count) + 1 - (2 * common + 1e-6) / (total + 1e-6)
    }

    @Test func isTheFormula() throws {
        let logits = GoldenFormula.uniform("logits", count: masks.count).map { Float(3 * $0) }
        let loss = try EntropyAndDice(masks: Tensor(masks, shape: [2, 6, 5, 1]))
        let seen = try loss(Tensor(logits, shape: [2, 6, 5, 1]))
        #expect(abs(Double(seen.value) - expected(logits)) < 1e-5)
        for (place, gradient) in seen.gradient.values.enumerated() {
            var (above, below) = (logits, logits)
            above[place] += 0.01
            below[place] -= 0.01
            let slope = (expected(above) - expected(below)) / 0.02
            #expect(abs(Double(gradient) - slope) < 1e-3 * abs(slope) + 1e-6)
        }
    }

    @Test func nothingSeenWhereNothingIsIsPerfect() throws {
        let loss = try EntropyAndDice(masks: Tensor([Float](repeating: 0, count: 4), shape: [1, 2, 2, 1]))
        let seen = try loss(Tensor([Float](repeating: -200, count: 4), shape: [1, 2, 2, 1]))
        #expect(seen.value == 0 && seen.gradient.isFinite)
        #expect(throws: EngineError.self) { try loss(Tensor([0], shape: [1, 1, 1, 1])) }
    }
}
