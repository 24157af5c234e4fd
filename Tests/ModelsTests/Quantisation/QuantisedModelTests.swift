import Models
import NeuralNetwork
import Testing

/// ResNet-18 with its heads, and Polyp-PVT, in 8 bits beside themselves in fp32.
@Suite(.enabled(if: EngineSetup.hasInt8, "the processor has no exact 8-bit products")) struct QuantisedModelTests {
    private static func calibration(
        _ network: some Module, _ name: String, images: Tensor, run: (Tensor, ForwardPass) throws -> Void
    ) throws -> Calibration {
        let calibrator = Calibrator(network)
        try run(images, calibrator.pass)
        try calibrator.measure()
        try run(images, calibrator.pass)
        return try calibrator.calibration(
            network: name, parameters: "\(network.parameters().digest)", images: images.shape[0])
    }

    private static func distance(_ a: [Float], _ b: [Float]) -> Float {
        let noise = zip(a, b).reduce(Float(0)) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
        return (noise / b.reduce(Float(0)) { $0 + $1 * $1 }).squareRoot()
    }

    @Test func scoresAndMapsStayNearAndDependOnTheImageAlone() throws {
        let network = try MILScorerTests.network()
        let rgb = MILScorerTests.pixels(3 * 64 * 64 * 3, seed: 21)
        let normalisation = try MILScorerTests.normalisation()
        let images = try Tensor.images(rgb: rgb, count: 3, height: 64, width: 64, normalisation: normalisation)
        let calibration = try Self.calibration(network, MILScorer.calibratedNetwork, images: images) {
            _ = try network.encoder.features($0, $1)
        }
        // 20 convolutions, of which the first stays.
        #expect(calibration.layers.count == 20 && calibration.quantisedCount == 19)
        #expect(calibration.layers.allSatisfy { $0.name.hasPrefix("encoder.") })
        let parameters = try network.parameters()
        func scorer(_ calibration: Calibration?) throws -> MILScorer {
            try MILScorer(
                parameters, configuration: network.configuration, normalisation: normalisation, calibration: calibration)
        }
        let (full, small) = (try scorer(nil), try scorer(calibration))
        let expected = try full.score(rgb: rgb, count: 3, height: 64, width: 64)
        let seen = try small.score(rgb: rgb, count: 3, height: 64, width: 64)
        let apart = Self.distance(seen.features, expected.features)
        #expect(apart > 1e-4 && apart < 0.05, "\(apart)")
        let one = Array(rgb[64 * 64 * 3..<2 * 64 * 64 * 3])
        let alone = try small.score(rgb: one, count: 1, height: 64, width: 64)
        #expect(alone.features == Array(seen.features[512..<1024]))
        let maps = try [full, small].map { try $0.activationMap(rgb: one, height: 64, width: 64).values }
        #expect(Self.distance(maps[1], maps[0]) < 0.1)

        network.student.layersForTest { $0.update { $0[0] += 1 } }
        let error = #expect(throws: EngineError.self) {
            try MILScorer(
                network.parameters(), configuration: network.configuration, normalisation: normalisation,
                calibration: calibration)
        }
        #expect(error?.message.contains("belongs to other weights") == true)
    }

    @Test func masksStayNear() throws {
        let network = try PolypPVT(.b0, seed: nil)
        GoldenFormula.fill(network)
        let images = try GoldenFormula.images("quantised", count: 2, height: 64, width: 64)
        let calibration = try Self.calibration(network, SegmentationName(PolypPVTFamily()).rawValue, images: images) {
            _ = try network($0, $1)
        }
        #expect(calibration.layers.first?.kept == "first")
        // The heads compute in fp32 whatever the rest does, and are not watched.
        #expect(!calibration.layers.contains { $0.name.hasPrefix("out_") })
        #expect(calibration.layers.contains { $0.name.hasSuffix("mlp.fc2.weight") && $0.kept == nil })
        #expect(!calibration.layers.contains { $0.name.contains("dwconv") })
        let parameters = try network.parameters()
        let full = try SegmentationPredictor(parameters, SegmentationKind(PolypPVTFamily(), .b0), precision: .float32)(
            images, height: 64, width: 64
        ).values
        let small = try SegmentationPredictor(
            parameters, SegmentationKind(PolypPVTFamily(), .b0), precision: .float32, calibration: calibration)(
                images, height: 64, width: 64
            ).values
        let apart = zip(full, small).reduce(Float(0)) { $0 + abs($1.0 - $1.1) } / Float(full.count)
        #expect(apart > 0 && apart < 0.04, "\(apart)")
    }
}

extension StudentHead {
    /// Its parameters, to be changed.
    fileprivate func layersForTest(_ body: (Parameter) -> Void) { forEachParameter("") { _, parameter in body(parameter) } }
}
