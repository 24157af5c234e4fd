import Foundation
import NeuralNetwork
import Stages
import TestSupport
import Testing

/// Precision int8 as a setting: what is refused, and a job that uses it.
@Suite struct QuantisedStagesTests {
    private static func message(_ settings: String) -> String? {
        do {
            _ = try Pipeline(json5: Data("{stages: [\(settings)]}".utf8), registry: .standard)
            return nil
        } catch { return "\(error)" }
    }

    @Test func settingsThatDoNotFitAreRefusedBeforeAJobStarts() {
        for stage in ["mil-score", "cam", "segment"] {
            #expect(Self.message("{stage: '\(stage)', precision: 'int8'}")?.contains("needs `calibration`") == true, "\(stage)")
            #expect(Self.message("{stage: '\(stage)', calibration: 'x.json'}")?.contains("for precision int8") == true)
            #expect(Self.message("{stage: '\(stage)', precision: 'int8', calibration: 'x.json'}") == nil)
        }
        for stage in ["mil-train", "toco-train", "toco-cam", "segment-train"] {
            let said = Self.message("{stage: '\(stage)', precision: 'int8'}")
            #expect(said?.contains("int8 is offered by mil-score, cam and segment") == true, "\(said ?? "nothing")")
        }
    }

    private static func step(_ stage: String, _ fields: String) -> Pipeline.Step {
        Pipeline.Step(stage: stage, settings: StageSettings(json: Data(fields.utf8)))
    }

    @Test(.enabled(if: EngineSetup.hasInt8, "the processor has no exact 8-bit products"))
    func aJobSegmentsInEightBits() throws {
        let archive = try TinyArchive(studies: 16)
        let training = """
            {stages: [{stage: 'catalogue'}, {stage: 'labels'},
              {stage: 'segment-train', size: 'b0', imageSize: 64, scales: [1], dropPath: 0, labels: 'truth', rounds: 1,
               replicas: 2, localEpochs: 10, batch: 4, learningRate: 1e-3}]}
            """
        let runner = LocalRunner(registry: .standard, centres: archive.centres, seed: 5, slots: 2)
        try runner.run(Pipeline(json5: Data(training.utf8), registry: .standard))
        let model = try #require(runner.store.model(ofStage: "segment-train", startingRound: nil))
        let weights = archive.root.appendingPathComponent("weights.safetensors")
        try runner.store.content(model).write(to: weights)

        let parameters = try NetworkCalibration.parameters(of: .polypPVT, file: weights)
        let pictures = try PictureFolder(archive.root.appendingPathComponent("east/studies"), limit: 12)
        let calibration = try NetworkCalibration.run(.polypPVT, parameters, pictures: pictures, side: 64)
        #expect(calibration.parameters == "\(model)")
        #expect(calibration.quantisedCount > 50)
        let file = archive.root.appendingPathComponent("calibration.json")
        try calibration.encoded().write(to: file)

        let settings = "{\"splits\": [\"test\"], \"precision\": \"int8\", \"calibration\": \"\(file.path)\"}"
        try runner.run(Self.step("segment", settings))
        let masks = runner.store.masks(ofStage: "segment").filter { $0.kind == "segment-mask" }
        #expect(!masks.isEmpty && runner.store.items.isEmpty)

        // The same weights, but a calibration that belongs to others.
        var other = calibration
        other.parameters = String(repeating: "0", count: 64)
        try other.encoded().write(to: file)
        let stale = #expect(throws: StageError.self) { try runner.run(Self.step("segment", settings)) }
        #expect(stale?.code == .parameters && stale?.message.contains("belongs to other weights") == true)
        try FileManager.default.removeItem(at: file)
        let missing = #expect(throws: StageError.self) { try runner.run(Self.step("segment", settings)) }
        #expect(missing?.message.contains("cannot read the calibration") == true)
    }

    @Test(.enabled(if: EngineSetup.hasInt8, "the processor has no exact 8-bit products"))
    func effectsAreMeasured() throws {
        let archive = try TinyArchive(studies: 4)
        let studies = archive.root.appendingPathComponent("east/studies")
        let pictures = try PictureFolder(studies, limit: 2)
        #expect(pictures.names.count == 2 && pictures.names == pictures.names.sorted())
        let network = QuantisableNetwork.mil
        let parameters = try network.randomParameters()
        let calibration = try NetworkCalibration.run(network, parameters, pictures: pictures, side: 64)
        let effect = try QuantisationEffect.measure(
            network, parameters, calibration: calibration, pictures: pictures,
            truth: archive.root.appendingPathComponent("east/truth"), side: 64)
        #expect(effect.quantisedLayers == 19 && effect.int8.milliseconds > 0)
        #expect((effect.int8.scoreChange ?? 1) < 0.02 && (effect.int8.area != nil) == (effect.fp32.area != nil))
        // Maps of random weights on noise are nearly flat: 8 bits show in them.
        #expect((effect.int8.mapCorrelation ?? 0) > 0.5 && (effect.int8.mapCorrelation ?? 1) < 1)
        #expect((effect.bf16.mapCorrelation ?? 0) > (effect.int8.mapCorrelation ?? 1))
        #expect(effect.fp32.mapCorrelation == nil && effect.int8.maskDice == nil)
        #expect(throws: StageError.self) { try PictureFolder(archive.root.appendingPathComponent("nowhere"), limit: 3) }
        #expect(throws: StageError.self) { try NetworkCalibration.parameters(of: .polypPVT, file: try weights(archive)) }
    }

    /// Those of another network.
    private func weights(_ archive: TinyArchive) throws -> URL {
        let file = archive.root.appendingPathComponent("mil.safetensors")
        try QuantisableNetwork.mil.randomParameters().encoded().write(to: file)
        return file
    }
}
