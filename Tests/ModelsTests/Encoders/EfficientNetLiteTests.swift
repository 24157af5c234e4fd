import Models
import NeuralNetwork
import TestSupport
import Testing

@Suite struct EfficientNetLiteTests {
    /// Parameters of the published files, classifier included (TensorFlow's release).
    @Test(arguments: [
        (EfficientNetLiteSize.efficientNetLite0, 4_652_008), (.efficientNetLite1, 5_416_680), (.efficientNetLite2, 6_092_072),
        (.efficientNetLite3, 8_197_096),
    ])
    func hasThePublishedSize(size: EfficientNetLiteSize, count: Int) throws {
        let network = try EfficientNetLite(size, classes: 1000, seed: nil)
        #expect(network.learnt.reduce(0) { $0 + $1.count } == count)
        let kind = try #require(EncoderKind(of: network.parameters().shapes))
        #expect(kind == EncoderKind(size) && kind.features == 1280)
        #expect(KnownNetwork(of: try network.parameters().shapes) == .encoder(kind))
    }

    /// In inference at two sizes, and a step of training with the batch's statistics and with the running ones.
    @Test(.enabled(if: SharedFolder.isPresent, Comment(rawValue: SharedFolder.whySkipped)))
    func agreesWithTheReference() throws {
        let lines = try GoldenCheck().compare("efficientnet_lite0", with: GoldenFile.read("efficientnet_lite0"))
        #expect(lines.count == 266)
        for line in lines { #expect(line.passed, "\(line.tensor): relative error \(line.relativeError) above \(line.tolerance)") }
    }

    @Test func refusesSidesThatItWouldPadOtherwise() throws {
        let network = try EfficientNetLite(.efficientNetLite0, seed: 1)
        let odd = try Tensor.zeros([1, 96, 100, 3])
        #expect(throws: EngineError.self) { try network.lastMaps(odd, ForwardPass(.evaluation)) }
    }

    @Test func fusedInferenceAgreesWithEvaluationStepByStep() throws {
        let network = try EfficientNetLite(.efficientNetLite0, seed: 3)
        let images = try GoldenFormula.images("efficientnet test", count: 2, height: 64, width: 96)
        let fused = try network.lastMaps(images, ForwardPass(.evaluation)).values
        // Recorded passes fold nothing.
        let plain = try network.lastMaps(images, ForwardPass(.evaluation, recordingOn: Tape())).values
        #expect(fused.count == 2 * 2 * 3 * 1280)
        let worst = zip(fused, plain).map { abs($0 - $1) }.max() ?? 1
        #expect(worst < 1e-4, "\(worst)")
    }

    @Test func anImagesFeaturesDoNotDependOnItsNeighbours() throws {
        let kind = EncoderKind(EfficientNetLiteSize.efficientNetLite0)
        let extractor = try FeatureExtractor(
            kind.make(seed: 5).parameters(), kind: kind, normalisation: kind.publishedColours)
        let pixels = (0..<3 * 64 * 64 * 3).map { UInt8(truncatingIfNeeded: ($0 &* 2_654_435_761) >> 13) }
        let together = try extractor.features(rgb: pixels, count: 3, height: 64, width: 64)
        let alone = try extractor.features(rgb: Array(pixels.suffix(64 * 64 * 3)), count: 1, height: 64, width: 64)
        #expect(together.count == 3 * 1280 && Array(together.suffix(1280)) == alone)
        #expect(throws: EngineError.self) { try extractor.features(rgb: pixels, count: 3, height: 64, width: 60) }
    }

    @Test func headsOnStandardisedFeaturesBecomeOneNetworkWithTheirEncoder() throws {
        let kind = EncoderKind(EfficientNetLiteSize.efficientNetLite0)
        let configuration = MILConfiguration(encoder: kind, givenFeatures: 1280, teacherHidden: 8, studentHidden: 8, dropout: 0)
        let heads = try MILNetwork(configuration, seed: 2)
        #expect(try heads.parameters().names.allSatisfy { !$0.hasPrefix("encoder.") })
        let mean = (0..<1280).map { Float($0 % 7) / 10 }, deviation = (0..<1280).map { 0.5 + Float($0 % 5) / 4 }
        let encoder = try kind.make(seed: 4).parameters()
        let joined = try MILNetwork.joined(heads: heads.parameters(), encoder: encoder, mean: mean, deviation: deviation)
        var whole = configuration
        whole.givenFeatures = nil
        let features = GoldenFormula.uniform("features", count: 3 * 1280).map { Float($0) }
        let standardised = features.enumerated().map { ($1 - mean[$0 % 1280]) / deviation[$0 % 1280] }
        let one = try MILScorer(joined, configuration: whole, normalisation: kind.publishedColours).score(features: features)
        let two = try MILScorer(heads.parameters(), configuration: configuration, normalisation: kind.publishedColours)
            .score(features: standardised)
        for (a, b) in [(one.attention, two.attention), (one.dsmil, two.dsmil), (one.student, two.student)] {
            #expect(zip(a, b).allSatisfy { abs($0 - $1) < 1e-4 })
        }
        #expect(throws: ParameterError.self) {
            try MILNetwork.joined(heads: heads.parameters(), encoder: encoder, mean: [0], deviation: [1])
        }
    }
}
