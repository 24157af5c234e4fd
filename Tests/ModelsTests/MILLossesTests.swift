import Models
import NeuralNetwork
import Testing

@Suite struct MILLossesTests {
    /// Moves each number by ±1e-3 and compares with the gradient given.
    private func expectGradient(
        _ gradient: [Float], at x: [Float], sourceLocation: SourceLocation = #_sourceLocation,
        of value: ([Float]) throws -> Float
    ) throws {
        for index in x.indices {
            var (above, below) = (x, x)
            above[index] += 1e-2
            below[index] -= 1e-2
            let numeric = (try value(above) - value(below)) / 2e-2
            #expect(abs(gradient[index] - numeric) < 1e-3, sourceLocation: sourceLocation)
        }
    }

    @Test(arguments: [0, 1]) func attention(label: Int) throws {
        let logits: [Float] = [0.3, -0.8]
        func loss(_ x: [Float]) throws -> LossGradient { try MILLosses.attention(Tensor(x, shape: [1, 2]), label: label) }
        try expectGradient(loss(logits).gradient.values, at: logits) { try loss($0).value }
        // −log of the probability given to the label: softmax(0.3, −0.8)₁ = 0.24974.
        #expect(abs(try loss(logits).value - (label == 1 ? 1.38732 : 0.28734)) < 1e-4)
    }

    @Test(arguments: [0, 1]) func dsmil(label: Int) throws {
        let instances: [Float] = [0.1, 0.4, -0.3, 0.9, 0.5, 0.2]
        let bag: [Float] = [0.6, -0.4]
        func loss(_ bag: [Float], _ instances: [Float]) throws -> (value: Float, bag: Tensor, instances: Tensor) {
            let output = DSMILTeacher.Output(
                instanceLogits: try Tensor(instances, shape: [3, 2]), bagLogits: try Tensor(bag, shape: [1, 2]),
                attention: try Tensor.zeros([2, 3]))
            return try MILLosses.dsmil(output, label: label)
        }
        let seen = try loss(bag, instances)
        try expectGradient(seen.bag.values, at: bag) { try loss($0, instances).value }
        try expectGradient(seen.instances.values, at: instances) { try loss(bag, $0).value }
        #expect(seen.instances.values[0...1] == [0, 0], "only the highest instance learns")
        #expect(seen.instances.values[3] != 0)
    }

    @Test func student() throws {
        let logits: [Float] = [0.3, -0.8, 1.2, 0.1, -0.5, 0.5]
        let targets: [Float] = [0, 0.25, 1]
        for weight: Float in [0.1, 0.5, 1] {
            func loss(_ x: [Float]) throws -> LossGradient {
                try MILLosses.student(Tensor(x, shape: [3, 2]), targets: targets, negativeWeight: weight)
            }
            try expectGradient(loss(logits).gradient.values, at: logits) { try loss($0).value }
        }
        // With w = 1 positives are silent: docs/Method.md, section 2.
        let silent = try MILLosses.student(Tensor(logits, shape: [3, 2]), targets: targets, negativeWeight: 1)
        #expect(silent.gradient.values[4...5].allSatisfy { $0 == 0 })
        #expect(throws: EngineError.self) {
            try MILLosses.student(Tensor(logits, shape: [3, 2]), targets: [1], negativeWeight: 0.1)
        }
    }
}
