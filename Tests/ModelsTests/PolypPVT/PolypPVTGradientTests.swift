import Models
import NeuralNetwork
import Testing

/// The gradient of the whole network: moving one part's parameters along their gradient changes the loss as it says. The
/// two attentions `ca` and `sa` change it too little to be measured in fp32; the golden file has their gradients.
@Suite struct PolypPVTGradientTests {
    private static let parts = [
        "backbone.patch_embed1", "backbone.block1.0.attn.sr", "backbone.block1.1.attn.q", "backbone.block2.0.attn.kv",
        "backbone.block3.1.mlp.dwconv", "backbone.block4.1", "backbone.norm2", "Translayer2_0", "Translayer4_1", "CFM",
        "SAM.conv_", "SAM.gcn", "out_SAM", "out_CFM",
    ]

    private struct Case {
        let network: PolypPVT
        let images: Tensor
        let loss: StructureLoss

        init() throws {
            network = try PolypPVT(.b0, dropPath: 0, seed: nil)
            GoldenFormula.fill(network)
            images = try GoldenFormula.images("gradients", count: 2, height: 64, width: 64)
            let masks = GoldenFormula.uniform("masks", count: 2 * 64 * 64).map { Float($0 > 0.2 ? 1 : 0) }
            loss = try StructureLoss(masks: Tensor(masks, shape: [2, 64, 64, 1]))
        }

        func value() throws -> Double {
            let pass = ForwardPass(.training, updatesRunningStatistics: false)
            let outputs = try network(images, pass)
            return try Double(loss(outputs.first).value) + Double(loss(outputs.second).value)
        }

        func carryBack() throws {
            let tape = Tape()
            let outputs = try network(images, ForwardPass(.training, recordingOn: tape, updatesRunningStatistics: false))
            try tape.backward(from: [
                (outputs.first, loss(outputs.first).gradient), (outputs.second, loss(outputs.second).gradient),
            ])
        }
    }

    @Test func partsFollowTheirGradients() throws {
        try Blobs.onOneThread {
            let made = try Case()
            try made.carryBack()
            for part in Self.parts {
                var moved: [(parameter: Parameter, start: [Float], gradient: [Float])] = []
                made.network.forEachParameter("") { name, parameter in
                    if name.hasPrefix(part), let gradient = parameter.gradientValues {
                        moved.append((parameter, parameter.values, gradient))
                    }
                }
                let square = moved.reduce(0.0) { $0 + $1.gradient.reduce(0.0) { $0 + Double($1) * Double($1) } }
                #expect(square > 0, "\(part) has no gradient")
                // A step that should change the loss by 0.008, but moves no part further than 0.03.
                let step = Float(min(0.004 / square, 0.03 / square.squareRoot()))
                func value(_ factor: Float) throws -> Double {
                    for (parameter, start, gradient) in moved {
                        parameter.update { values in
                            for i in values.indices { values[i] = start[i] + factor * gradient[i] }
                        }
                    }
                    return try made.value()
                }
                let slope = (try value(step) - value(-step)) / (2 * Double(step))
                _ = try value(0)
                #expect(abs(slope / square - 1) < 0.05, "\(part): \(slope), expected \(square)")
            }
        }
    }

    /// The reference's number, ±0.5 here made tiny: a step moves no number further than rate times limit.
    @Test func gradientsAreClamped() throws {
        let network = try PolypPVT(.b0, dropPath: 0, seed: 4)
        let before = network.learnt.map(\.values)
        let settings = SegmentationTrainingSettings(optimiser: .sgd(rate: 1), gradientLimit: 1e-3, scales: [1])
        let trainer = try SegmentationTrainer(network, settings, seed: 1)
        let (images, masks) = try Blobs.make(size: 64)
        _ = try trainer.step(images: images, masks: masks)
        var (moved, furthest) = (0, Float(0))
        for (old, new) in zip(before, network.learnt.map(\.values)) {
            for (a, b) in zip(old, new) where a != b {
                moved += 1
                furthest = max(furthest, abs(a - b))
            }
        }
        #expect(moved > 1000)
        #expect(furthest > 0.9e-3 && furthest < 1.01e-3)
    }

    @Test(.enabled(if: EngineSetup.hasBFloat16, "the processor has no bf16")) func bfloat16LearnsTheSame() throws {
        let (images, masks) = try Blobs.make(size: 64)
        func losses(_ precision: Precision) throws -> [Float] {
            let settings = SegmentationTrainingSettings(scales: [1], precision: precision)
            let trainer = try SegmentationTrainer(PolypPVT(.b0, dropPath: 0, seed: 4), settings, seed: 1)
            return try (0..<3).map { _ in try trainer.step(images: images, masks: masks)[0].loss }
        }
        let (full, half) = (try losses(.float32), try losses(.bfloat16))
        #expect(full != half)
        for (a, b) in zip(full, half) { #expect(abs(a - b) < 0.02 * a) }
        #expect(full[2] < full[0] && half[2] < half[0])
    }
}
