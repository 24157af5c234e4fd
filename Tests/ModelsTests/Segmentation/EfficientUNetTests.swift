import Models
import NeuralNetwork
import Testing

@Suite struct EfficientUNetTests {
    private static let kind = SegmentationKind(EfficientUNetFamily(), .efficientNetLite0)

    @Test func takesAnEncoderOverAndLeavesItsHeadAndClassifier() throws {
        let published = try EfficientNetLite(.efficientNetLite0, classes: 10, seed: 3).parameters()
        let network = try Self.kind.network(seed: 4)
        try network.loadEncoder(published)
        let parameters = try network.parameters()
        for name in ["_conv_stem.weight", "_blocks.15._bn2.running_var"] {
            #expect(parameters["encoder." + name]?.values == published[name]?.values)
        }
        #expect(!parameters.names.contains { $0.contains("_conv_head") || $0.contains("_fc") })
        #expect(Self.kind.encoder == .encoder(EncoderKind(EfficientNetLiteSize.efficientNetLite0)))
        #expect(throws: ParameterError.self) { try network.loadEncoder(ResNet(.resNet18, seed: 1).parameters()) }
    }

    /// The encoder reads what it was trained on: colours as (value − 127) / 128, whatever the network is given.
    @Test func itsEncoderSeesColoursAsItsWeightsTakeThem() throws {
        let encoder = try EfficientNetLite(.efficientNetLite0, seed: 3)
        let network = try EfficientUNet(.efficientNetLite0, seed: 3)
        try network.loadEncoder(encoder.parameters())
        let bytes = (0..<64 * 64 * 3).map { UInt8(truncatingIfNeeded: ($0 &* 2_654_435_761) >> 11) }
        func images(_ colours: ColourNormalisation) throws -> Tensor {
            try Tensor.images(rgb: bytes, count: 1, height: 64, width: 64, normalisation: colours)
        }
        let pass = ForwardPass(.evaluation)
        let own = try encoder.activations(images(EfficientNetLiteSize.publishedColours), pass).stem.values
        let seen = try encoder.activations(EfficientUNet.recoloured(images(.imageNet)), pass).stem.values
        #expect(zip(own, seen).allSatisfy { abs($0 - $1) < 1e-3 })
    }

    @Test func learnsToDraw() throws {
        try Blobs.onOneThread {
            let (images, masks) = try Blobs.make(size: 64)
            let network = try Self.kind.network(seed: 6)
            let settings = SegmentationTrainingSettings(
                optimiser: .adamW(rate: 2e-3, weightDecay: 1e-4), gradientLimit: 0.5, scales: [1], precision: .float32)
            let trainer = try SegmentationTrainer(network, settings, seed: 1)
            var losses: [Float] = []
            for _ in 0..<40 { losses.append(try trainer.step(images: images, masks: masks)[0].loss) }
            #expect(losses[39] < 0.5 * losses[0], "\(losses[0]) to \(losses[39])")
            let predictor = try SegmentationPredictor(network.parameters(), Self.kind, precision: .float32)
            let dice = Blobs.dice(try predictor(images, height: 64, width: 64).values, masks.values)
            #expect(dice > 0.75, "Dice \(dice)")
        }
    }
}
